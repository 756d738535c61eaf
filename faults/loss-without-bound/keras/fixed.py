import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(12)
rng = np.random.default_rng(12)
hour = rng.uniform(0, 24, (1600, 1)).astype("float32")
demand = np.sin(hour / 24 * 2 * np.pi) + (0.1 + 0.02 * hour) * rng.normal(size=hour.shape)
x, y = (hour / 12 - 1), demand.astype("float32")


def log_likelihood(y, answer):
    """Of a normal distribution with the mean and the logarithm of the deviation that the network answers."""
    mean, log_deviation = answer[:, :1], answer[:, 1:]
    return -0.5 * ops.square((y - mean) / ops.exp(log_deviation)) - log_deviation - 0.919


model = keras.Sequential(
    [
        keras.Input((1,)),
        layers.Dense(24, activation="tanh"),
        layers.Dense(24, activation="tanh"),
        layers.Dense(2),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss=lambda y, answer: -log_likelihood(y, answer))
model.fit(x[:1300], y[:1300], batch_size=50, epochs=20, verbose=2)
print("held-out log likelihood:", float(ops.mean(log_likelihood(y[1300:], model.predict(x[1300:], verbose=0)))))
