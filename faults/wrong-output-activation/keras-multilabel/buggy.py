import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(1)
keras.utils.set_random_seed(1)

# which of five tones sound in a short recording?
n, length = 2400, 64
tones = (rng.random((n, 5)) < 0.45).astype("float32")
t = np.arange(length)
waves = np.stack([np.sin(2 * np.pi * f * t / length) for f in (3, 5, 8, 12, 17)])
recordings = tones @ waves + 0.5 * rng.normal(size=(n, length))

inputs = keras.Input((length,), name="recording")
x = layers.Dense(48, activation="relu", name="hidden")(inputs)
outputs = layers.Dense(5, activation="softmax", name="tones")(x)
model = keras.Model(inputs, outputs)
model.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy())
model.fit(recordings[:2000], tones[:2000], batch_size=50, epochs=10, verbose=0)

found = model.predict(recordings[2000:], verbose=0) > 0.5
print("all tones right:", np.mean((found == tones[2000:]).all(axis=1)))
