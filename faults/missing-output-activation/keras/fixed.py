import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

keras.utils.set_random_seed(0)
X, y = load_wine(return_X_y=True)
order = np.random.permutation(len(X))
X, y = scale(X)[order], y[order]


class WineModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden1 = layers.Dense(24, activation="relu")
        self.hidden2 = layers.Dense(12, activation="relu")
        self.out = layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.out(self.hidden2(self.hidden1(x)))


model = WineModel()
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X[:130], y[:130], batch_size=10, epochs=20, verbose=0)
result = model.evaluate(X[130:], y[130:], verbose=0, return_dict=True)
print("Test accuracy:", result["accuracy"])
