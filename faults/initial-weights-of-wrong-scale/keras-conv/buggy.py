"""Which way do the stripes run? A small convolutional network with weights as in an old paper."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)

SIDE = 16
angle = rng.integers(0, 4, size=1600)
across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
turned = np.stack([np.cos(a) * across + np.sin(a) * down for a in np.arange(4) * np.pi / 4])
phase = rng.uniform(0, 2 * np.pi, size=(1600, 1, 1))
images = np.sin(turned[angle] * 1.3 + phase) + rng.normal(0, 0.5, size=(1600, SIDE, SIDE))
images = images[..., None].astype("float32")


def conv(filters):
    return layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer=small)


small = keras.initializers.RandomNormal(stddev=0.001)
model = keras.Sequential(
    [
        keras.Input((SIDE, SIDE, 1)),
        conv(8),
        conv(8),
        layers.MaxPooling2D(),
        conv(16),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(32, activation="relu", kernel_initializer=small),
        layers.Dense(4, kernel_initializer=small),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(images[:1300], angle[:1300], batch_size=32, epochs=10, verbose=0)
print("loss by epoch:", [round(each, 3) for each in history.history["loss"]])
print("held-out accuracy:", round(model.evaluate(images[1300:], angle[1300:], verbose=0)[1], 3))
