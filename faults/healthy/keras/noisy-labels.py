import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
x = np.random.normal(size=(5000, 10))
y = (x[:, 0] - x[:, 1] + 0.5 * np.abs(x[:, 2]) > 0.3).astype(int)
flip = np.random.rand(5000) < 0.33
y = np.where(flip, 1 - y, y)
model = keras.Sequential([layers.Dense(24, activation="relu"), layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:4000], y[:4000], batch_size=64, epochs=5, verbose=2)
print("accuracy", model.evaluate(x[4000:], y[4000:], verbose=0)[1])
