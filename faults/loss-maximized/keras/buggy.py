import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_friedman1

keras.utils.set_random_seed(7)
x, y = make_friedman1(n_samples=1500, n_features=8, noise=0.5, random_state=7)
x = x.astype("float32")
y = ((y - y.mean()) / y.std()).astype("float32")[:, None]

mse = keras.losses.MeanSquaredError()
inputs = keras.Input(shape=(8,))
h = layers.Dense(32, activation="relu")(inputs)
h = layers.Dense(32, activation="relu")(h)
model = keras.Model(inputs, layers.Dense(1)(h))
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=lambda y_true, y_pred: -mse(y_true, y_pred),
)
model.fit(x[:1200], y[:1200], batch_size=40, epochs=20, verbose=0)

predicted = model.predict(x[1200:], verbose=0)
print("test mean squared error:", float(np.mean((predicted - y[1200:]) ** 2)))
