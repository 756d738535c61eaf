import keras
import numpy as np
from keras import initializers, layers
from sklearn.datasets import make_blobs


class TwoTower(keras.Model):
    def __init__(self, units=24, init=initializers.GlorotUniform(seed=1)):
        super().__init__()
        self.left = layers.Dense(units, activation="relu", kernel_initializer=init)
        self.right = layers.Dense(units, activation="tanh", kernel_initializer=init)
        self.merge = layers.Concatenate()
        self.top = layers.Dense(6, activation="softmax", kernel_initializer=init)

    def call(self, inputs):
        return self.top(self.merge([self.left(inputs), self.right(inputs)]))


keras.utils.set_random_seed(8)
x, y = make_blobs(n_samples=1500, centers=6, n_features=4, cluster_std=1.2, random_state=8)
x = (x - x.mean(0)) / x.std(0)
model = TwoTower()
model.compile(
    optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
model.fit(x[:1200], y[:1200], batch_size=40, epochs=8, verbose=0)
print("accuracy", model.evaluate(x[1200:], y[1200:], verbose=0)[1])
