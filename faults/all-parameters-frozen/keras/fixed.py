import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
x, y = load_digits(return_X_y=True)
x = x / 16
small, large = y < 5, y >= 5

base = keras.Sequential([keras.Input((64,)), layers.Dense(64, activation="relu"), layers.Dense(32, activation="relu")])

# first task: digits 0 to 4
first = keras.Sequential([base, layers.Dense(5, activation="softmax")])
first.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
first.fit(x[small], y[small], epochs=5, batch_size=30, verbose=0)

# second task: digits 5 to 9 with the same features
second = keras.Sequential([base, layers.Dense(5, activation="softmax")])
base.trainable = False
second.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
second.fit(x[large][:650], y[large][:650] - 5, epochs=10, batch_size=25, verbose=0)
print("accuracy", second.evaluate(x[large][650:], y[large][650:] - 5, verbose=0)[1])
