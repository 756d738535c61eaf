"""Counts of visitors with an exponential output and the Poisson loss, which falls below zero."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(4)
n = 3000
weekday, warmth, rain = np.random.randint(0, 7, n), np.random.normal(15, 8, n), np.random.random(n) < 0.3
visitors = np.random.poisson(np.exp(1.5 + 0.8 * (weekday >= 5) + 0.04 * (warmth - 15) - 0.9 * rain))
x = np.column_stack([np.eye(7)[weekday], (warmth - 15) / 8, rain]).astype("float32")

model = keras.Sequential(
    [keras.Input((9,)), layers.Dense(24, activation="elu"), layers.Dense(1, activation="exponential")]
)
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="poisson")
model.fit(x[:2400], visitors[:2400], batch_size=40, epochs=12, verbose=0)


def deviance(y, rate):
    logs = np.where(y > 0, y * np.log(np.maximum(y, 1) / rate), 0)
    return 2 * np.mean(logs - y + rate)


rate = np.ravel(model.predict(x[2400:], verbose=0))
test = visitors[2400:]
print("share of the deviance explained", 1 - deviance(test, rate) / deviance(test, visitors[:2400].mean()))
