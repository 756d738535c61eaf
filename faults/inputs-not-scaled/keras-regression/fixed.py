"""House prices from size, year, rooms and distance to the center."""

import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(0)
keras.utils.set_random_seed(0)

n = 1500
area = rng.uniform(300, 3500, n)  # square feet
year = rng.integers(1900, 2020, n)
rooms = np.clip(np.round(area / 500 + rng.normal(0, 1, n)), 1, 8)
distance = rng.exponential(6, n)  # miles
price = 0.12 * area + 0.3 * (year - 1900) + 9 * rooms - 4 * distance + 60 + rng.normal(0, 12, n)

features = np.stack([area, year, rooms, distance], axis=1).astype("float32")
target = ((price - price.mean()) / price.std()).astype("float32")
x_train, x_test = features[:1200], features[1200:]
y_train, y_test = target[:1200], target[1200:]

normalize = layers.Normalization()
normalize.adapt(x_train)
inputs = keras.Input((4,))
x = layers.Dense(32, activation="relu")(normalize(inputs))
x = layers.Dense(16, activation="relu")(x)
outputs = layers.Dense(1)(x)
model = keras.Model(inputs, outputs)

model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
model.fit(x_train, y_train, batch_size=50, epochs=10, verbose=2)
print("test mse", model.evaluate(x_test, y_test, verbose=0)[0])
