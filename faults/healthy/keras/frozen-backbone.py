"""Features learned on the digits 0-4 are kept, a new head learns 5-9."""

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
digits = load_digits()
x, y = digits.images[..., None] / 16, digits.target
old = y < 5

backbone = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.Conv2D(24, 3, activation="relu"),
        layers.Flatten(),
    ],
    name="backbone",
)
first = keras.Sequential([backbone, layers.Dense(5, activation="softmax")])
first.compile("adam", "sparse_categorical_crossentropy")
first.fit(x[old], y[old], epochs=3, batch_size=50, verbose=0)

backbone.trainable = False
inputs = keras.Input((8, 8, 1))
outputs = layers.Dense(5, activation="softmax")(backbone(inputs, training=False))
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[~old][:650], y[~old][:650] - 5, epochs=8, batch_size=50, verbose=2)
print("accuracy on 5-9:", model.evaluate(x[~old][650:], y[~old][650:] - 5, verbose=0)[1])
