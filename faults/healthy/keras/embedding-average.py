"""Classify short texts by the average of their word vectors."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
keras.utils.set_random_seed(0)
OWN, COMMON, LENGTH = 12, 60, 15
label = rng.integers(0, 4, 2200)
texts = rng.integers(1 + 4 * OWN, 1 + 4 * OWN + COMMON, size=(2200, LENGTH))
topical = rng.random((2200, LENGTH)) < 0.25
texts = np.where(topical, 1 + label[:, None] * OWN + rng.integers(0, OWN, (2200, LENGTH)), texts)
lengths = rng.integers(5, LENGTH + 1, 2200)
texts[np.arange(LENGTH) >= lengths[:, None]] = 0

model = keras.Sequential()
model.add(layers.Embedding(1 + 4 * OWN + COMMON, 16, mask_zero=True))
model.add(layers.GlobalAveragePooling1D())
model.add(layers.Dense(4, activation="softmax"))
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(texts[:1800], label[:1800], epochs=6, batch_size=36, verbose=2)
print("accuracy", model.evaluate(texts[1800:], label[1800:], verbose=0)[1])
