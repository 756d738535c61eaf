"""Momentum 0.98 with large batches and a learning rate that fits."""

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(1)
images, labels = load_digits(return_X_y=True)
images = images.astype("float32") / 16

model = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
optimizer = keras.optimizers.SGD(learning_rate=0.01, momentum=0.98, nesterov=True)
model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(images[:1400], labels[:1400], epochs=40, batch_size=140, verbose=0)
print("test accuracy", model.evaluate(images[1400:], labels[1400:], verbose=0)[1])
