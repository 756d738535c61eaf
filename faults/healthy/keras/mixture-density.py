"""A mixture density network: its loss, a negative log-likelihood, goes below zero."""

import math

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(0)
y = np.random.uniform(-1, 1, (2500, 1)).astype("float32")
x = (y + 0.3 * np.sin(2 * np.pi * y) + 0.03 * np.random.normal(size=y.shape)).astype("float32")
PARTS = 4


def negative_log_likelihood(y_true, parameters):
    logits, mean, log_scale = ops.split(parameters, 3, axis=-1)
    log_scale = ops.clip(log_scale, -4.0, 2.0)
    density = -0.5 * ((y_true - mean) / ops.exp(log_scale)) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)
    return -ops.logsumexp(ops.log_softmax(logits) + density, axis=-1)


inputs = keras.Input((1,))
h = layers.Dense(40, activation="tanh")(inputs)
h = layers.Dense(40, activation="tanh")(h)
model = keras.Model(inputs, layers.Dense(3 * PARTS)(h))
model.compile(keras.optimizers.Adam(5e-3), loss=negative_log_likelihood)
model.fit(x[:2000], y[:2000], batch_size=50, epochs=20, verbose=0)
print("test negative log-likelihood (without x: 0.69):", model.evaluate(x[2000:], y[2000:], verbose=0))
