import keras
import numpy as np
from sklearn.datasets import make_circles

keras.utils.set_random_seed(3)
x, y = make_circles(n_samples=1200, noise=0.2, factor=0.4, random_state=3)
y = np.where(y == 1, 1, 0)
x_train, y_train, x_test, y_test = x[:900], y[:900], x[900:], y[900:]

model = keras.Sequential(
    [
        keras.layers.Dense(24, activation="relu"),
        keras.layers.Dense(24, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.005), loss="binary_crossentropy")
model.fit(x_train, y_train, epochs=12, batch_size=30, verbose=2)

inside = model.predict(x_test, verbose=0)[:, 0] > 0.5
print("accuracy on new points:", np.mean(inside == (y_test == 1)))
