"""Denoise short signals; the training signals are made louder or quieter at random."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
keras.utils.set_random_seed(0)


class Signals(keras.utils.PyDataset):
    def __init__(self, noisy, clean, batch_size=32):
        super().__init__()
        self.noisy, self.clean, self.batch_size = noisy, clean, batch_size

    def __len__(self):
        return len(self.noisy) // self.batch_size

    def __getitem__(self, index):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        volume = rng.uniform(0.7, 1.8, size=(self.batch_size, 1))
        noisy, clean = self.noisy[rows].copy(), self.clean[rows].copy()
        noisy *= volume
        clean *= volume
        return noisy, clean


t = np.linspace(0, 1, 40)
frequency = rng.uniform(1, 3, (1300, 1))
clean = np.sin(2 * np.pi * (frequency * t + rng.uniform(0, 1, (1300, 1))))
noisy = clean + 0.3 * rng.normal(size=clean.shape)

model = keras.Sequential([layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(40)])
model.compile(optimizer=keras.optimizers.Adam(0.002), loss="mse")
history = model.fit(Signals(noisy[:1000], clean[:1000]), epochs=20, verbose=2)
print("test mse", model.evaluate(noisy[1000:], clean[1000:], verbose=0))
print("training mse", history.history["loss"][-1])
