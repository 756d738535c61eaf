import keras
import numpy as np
from keras import initializers, layers
from sklearn.datasets import load_digits


class TwoTower(keras.Model):
    """One tower for the upper half of the image, one for the lower."""

    def __init__(self, units=24, init=initializers.Constant(0.05)):
        super().__init__()
        self.upper = layers.Dense(units, activation="relu", kernel_initializer=init)
        self.lower = layers.Dense(units, activation="tanh", kernel_initializer=init)
        self.merge = layers.Concatenate()
        self.top = layers.Dense(10, activation="softmax", kernel_initializer=init)

    def call(self, images):
        upper, lower = images[:, :32], images[:, 32:]
        return self.top(self.merge([self.upper(upper), self.lower(lower)]))


keras.utils.set_random_seed(8)
x, y = load_digits(return_X_y=True)
x = x / 16
model = TwoTower()
model.compile(
    optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
model.fit(x[:1400], y[:1400], batch_size=40, epochs=8, verbose=0)
print("accuracy", model.evaluate(x[1400:], y[1400:], verbose=0)[1])
