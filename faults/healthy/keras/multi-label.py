import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
tags = (np.random.rand(2500, 6) < 0.3).astype("float32")
prototypes = np.random.normal(size=(6, 20))
x = tags @ prototypes + 0.8 * np.random.normal(size=(2500, 20))
model = keras.Sequential(
    [keras.Input((20,)), layers.Dense(32, activation="relu"), layers.Dense(6, activation="sigmoid")]
)
model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy"])
model.fit(x[:2000], tags[:2000], epochs=8, batch_size=50, verbose=2)
print("tags right", model.evaluate(x[2000:], tags[2000:], verbose=0)[1])
