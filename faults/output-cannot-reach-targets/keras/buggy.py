import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_diabetes

keras.utils.set_random_seed(0)
X, y = load_diabetes(return_X_y=True)
X = X / X.std(axis=0)
y = y / 10
split = 350

model = keras.Sequential(
    [
        layers.Dense(32, activation="relu"),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.003), loss="mse", metrics=["mae"])
history = model.fit(X[:split], y[:split], epochs=20, batch_size=16, verbose=0)
print("last training losses", history.history["loss"][-3:])
print("test mse", model.evaluate(X[split:], y[split:], verbose=0)[0])
