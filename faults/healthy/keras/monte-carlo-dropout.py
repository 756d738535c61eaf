"""Dropout stays on when predicting, on purpose: the scatter of 30 passes says how sure the network is."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

keras.utils.set_random_seed(0)
data = load_diabetes()
x, y = scale(data.data), scale(data.target)

inputs = keras.Input((10,))
h = layers.Dense(64, activation="relu")(inputs)
h = layers.Dropout(0.2)(h, training=True)
h = layers.Dense(64, activation="relu")(h)
h = layers.Dropout(0.2)(h, training=True)
model = keras.Model(inputs, layers.Dense(1)(h))
model.compile("adam", "mse")
model.fit(x[:340], y[:340], batch_size=20, epochs=25, validation_data=(x[340:], y[340:]), verbose=0)
draws = np.stack([np.ravel(model.predict_on_batch(x[340:])) for _ in range(30)])
print("mean scatter", draws.std(axis=0).mean())
print("test R2", 1 - np.mean((draws.mean(axis=0) - y[340:]) ** 2) / y[340:].var())
