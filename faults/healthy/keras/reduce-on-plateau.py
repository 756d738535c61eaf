"""ReduceLROnPlateau brings the rate down to a thousandth once the loss has settled, and the training goes on."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(8)
rng = np.random.default_rng(8)
x = rng.normal(size=(2400, 5)).astype("float32")
signal = 0.7 * x[:, 0] + 0.5 * np.sin(2 * x[:, 1]) - 0.4 * x[:, 2] * (x[:, 3] > 0)
y = (signal + 1.2 * rng.normal(size=2400)).astype("float32")

model = keras.Sequential([keras.Input((5,)), layers.Dense(20, activation="relu"), layers.Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.2, patience=1, min_delta=0.01, min_lr=1e-5)
model.fit(x[:2000], y[:2000], batch_size=32, epochs=25, callbacks=[plateau], verbose=0)
error = model.evaluate(x[2000:], y[2000:], verbose=0)
print("final rate", float(np.array(model.optimizer.learning_rate)))
print("test R2", 1 - error / y[2000:].var())
