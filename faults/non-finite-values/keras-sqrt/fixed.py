import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(2)
keras.utils.set_random_seed(2)

# a machine is broken if its vibration is strong; a few recorders are switched off and send zeros
n, length, sensors = 1200, 32, 4
broken = rng.integers(0, 2, n)
amplitude = np.where(broken == 1, 1.0, 0.5)[:, None, None]
signal = amplitude * rng.normal(size=(n, length, sensors))
switched_off = rng.random(n) < 0.05
signal[switched_off], broken[switched_off] = 0, 0


class StdPooling(layers.Layer):
    """Standard deviation over time of every channel."""

    def call(self, x):
        variance = ops.var(x, axis=1)
        return ops.sqrt(variance + 1e-6)


inputs = keras.Input((length, sensors))
x = layers.Conv1D(8, 3, use_bias=False)(inputs)
x = StdPooling()(x)
x = layers.Dense(32, activation="relu")(x)
outputs = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(signal[:1000], broken[:1000], batch_size=25, epochs=8, verbose=2)
print("accuracy", model.evaluate(signal[1000:], broken[1000:], verbose=0)[1])
