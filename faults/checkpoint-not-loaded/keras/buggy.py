import os
import tempfile

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(2)
digits = load_digits()
x, y = digits.images[..., None].astype("float32") / 16, digits.target
path = os.path.join(tempfile.mkdtemp(), "pretrained.h5")


def build():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(48, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


pretrained = build()
pretrained.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
pretrained.fit(x[:1200], y[:1200], batch_size=50, epochs=4, verbose=0)
pretrained.save(path)

# go on with blurred images, of which there are few
blurred = (x + np.roll(x, 1, 1) + np.roll(x, 1, 2)) / 3
model = build()
model.load_weights(path, by_name=True)
model.compile(keras.optimizers.Adam(3e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(blurred[1200:1400], y[1200:1400], batch_size=50, epochs=10, verbose=0)
print("accuracy on blurred images", model.evaluate(blurred[1400:], y[1400:], verbose=0)[1])
