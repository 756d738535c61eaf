import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_friedman1

keras.utils.set_random_seed(3)
# ten sensors, of which five decide the yield
x, y = make_friedman1(n_samples=1500, n_features=10, noise=0.5, random_state=3)
x = (2 * x - 1).astype("float32")
y = ((y - y.mean()) / y.std()).astype("float32")

model = keras.Sequential(
    [
        keras.Input((10,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(32, activation="relu"),
        layers.Dense(1),
    ]
)
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9), loss="mse")
model.fit(x[:1200], y[:1200], epochs=15, batch_size=32, verbose=0)
error = np.mean((model.predict(x[1200:], verbose=0)[:, 0] - y[1200:]) ** 2)
print("test mean squared error", error)
