"""All-convolutional network: no dense layer, the class maps are averaged."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)


def textures(n):
    kind = rng.integers(0, 8, n)
    yy, xx = np.mgrid[0:12, 0:12]
    angles = kind * np.pi / 8
    waves = xx[None] * np.cos(angles)[:, None, None] + yy[None] * np.sin(angles)[:, None, None]
    images = np.sin(1.4 * waves + rng.uniform(0, 6, (n, 1, 1))) + 0.9 * rng.normal(size=(n, 12, 12))
    return images[..., None].astype("float32"), kind


x_train, y_train = textures(1200)
x_test, y_test = textures(300)

inputs = keras.Input(shape=(12, 12, 1))
x = layers.Conv2D(16, 5, padding="same", activation="relu")(inputs)
x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
x = layers.Conv2D(8, 1, activation="softmax")(x)
outputs = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.SGD(0.05, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x_train, y_train, epochs=7, batch_size=30, verbose=2)
print("accuracy", model.evaluate(x_test, y_test, verbose=0)[1])
