"""Compress standardized sensor readings."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(6)

sources = np.random.normal(size=(2000, 4))
mixing = np.random.normal(size=(4, 20))
readings = np.tanh(sources @ mixing / 2) + 0.05 * np.random.normal(size=(2000, 20))
readings = (readings - readings.mean(axis=0)) / readings.std(axis=0)
train, test = readings[:1700], readings[1700:]

encoder = keras.Sequential([layers.Input((20,)), layers.Dense(32, activation="relu"), layers.Dense(4)], name="encoder")
decoder = keras.Sequential(
    [layers.Input((4,)), layers.Dense(32, activation="relu"), layers.Dense(20, activation="sigmoid")],
    name="decoder",
)

image = keras.Input((20,))
autoencoder = keras.Model(image, decoder(encoder(image)))
autoencoder.compile(optimizer=keras.optimizers.Adam(0.003), loss="mse")
autoencoder.fit(train, train, epochs=12, batch_size=50, verbose=2)
print("reconstruction error:", autoencoder.evaluate(test, test, verbose=0))
