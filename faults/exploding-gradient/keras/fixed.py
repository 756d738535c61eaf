import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)

# energy use of a building from weather and time
n = 1500
X = np.random.normal(size=(n, 12))
y = np.tanh(X[:, 0] * X[:, 1]) + 0.5 * np.abs(X[:, 2]) + 0.3 * X[:, 3:6].sum(axis=1)
y = (y - y.mean()) / y.std()


def build(depth=7, units=48):
    inputs = keras.Input((12,))
    x = inputs
    for _ in range(depth):
        x = layers.Dense(units, activation="relu", kernel_initializer=keras.initializers.HeNormal())(x)
    return keras.Model(inputs, layers.Dense(1)(x))


model = build()
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
history = model.fit(X[:1200], y[:1200], epochs=10, batch_size=30, verbose=2)
print("test loss", model.evaluate(X[1200:], y[1200:], verbose=0))
