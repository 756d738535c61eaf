import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
keras.utils.set_random_seed(0)
n = 2000
hour = rng.integers(0, 24, n)
temperature = rng.normal(15, 8, n)
humidity = rng.uniform(20, 95, n)
holiday = rng.integers(0, 2, n)
bikes = 3 * np.exp(-(((hour - 17) / 4) ** 2)) + 0.12 * temperature - 0.02 * humidity - holiday + rng.normal(0, 0.3, n)
table = np.stack([hour, temperature, humidity, holiday], axis=1)
model = keras.Sequential(
    [keras.Input((4,)), layers.Dense(48, activation="relu"), layers.Dense(24, activation="relu"), layers.Dense(1)]
)
model.compile(keras.optimizers.Adam(0.005), "mse")
model.fit(table[:1600], bikes[:1600], epochs=15, batch_size=40, verbose=2)
print("R2", 1 - model.evaluate(table[1600:], bikes[1600:], verbose=0) / bikes[1600:].var())
