"""All data in each step: each batch is the same."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_circles

keras.utils.set_random_seed(0)
x, y = make_circles(1000, noise=0.06, factor=0.5, random_state=42)
model = keras.Sequential(
    [
        keras.Input((2,)),
        layers.Dense(16, activation="tanh"),
        layers.Dense(16, activation="tanh"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy")
for epoch in range(120):
    loss = model.train_on_batch(x[:800], y[:800])
    if epoch % 20 == 0:
        print("epoch", epoch, "loss", float(loss))
right = (np.ravel(model.predict_on_batch(x[800:])) > 0.5) == (y[800:] == 1)
print("test accuracy", right.mean())
