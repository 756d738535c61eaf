import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_friedman1

keras.utils.set_random_seed(0)
X, y = make_friedman1(n_samples=1200, n_features=6, noise=0.5, random_state=0)
X = (X - 0.5) / 0.29
y = (y - y.mean()) / y.std()

inputs = keras.Input((6,))
x = layers.Dense(40, activation="relu")(inputs)
x = layers.Dense(20, activation="relu")(x)
model = keras.Model(inputs, layers.Dense(1)(x))
model.compile(
    loss="mse",
    optimizer=keras.optimizers.SGD(
        learning_rate=2.0,
        momentum=0.9,
    ),
)
for epoch in range(8):
    for i in range(0, 1000, 40):
        loss = model.train_on_batch(X[i : i + 40], y[i : i + 40])
    print("epoch", epoch, "loss", float(loss))
print("test loss", float(model.test_on_batch(X[1000:], y[1000:])))
