import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(11)
rng = np.random.default_rng(11)
angle = rng.uniform(-np.pi, np.pi, (300, 1))
x = np.concatenate([np.cos(angle), np.sin(angle)], axis=1).astype("float32")
sector = np.floor((angle[:, 0] + np.pi) / (np.pi / 4)).astype("int32")
labels = sector % 2  # neighboring sectors are of different classes

model = keras.Sequential(
    [layers.Input((2,)), layers.Dense(32, activation="relu"), layers.Dense(1, activation="sigmoid")]
)
model.compile(optimizer=keras.optimizers.Adam(0.0005), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, labels, batch_size=60, epochs=6, verbose=0)
print("accuracy:", model.evaluate(x, labels, verbose=0)[1])
