import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(4)


class Scans(keras.utils.PyDataset):
    """Digits, a batch at a time, each image moved a little in a way of its own that never changes."""

    def __init__(self, images, labels, batch_size, **options):
        super().__init__(**options)
        moved = np.random.default_rng(0).integers(-1, 2, len(images))
        self.images = np.stack([np.roll(image, by, axis=1) for image, by in zip(images, moved)])
        self.labels = labels
        self.batch_size = batch_size

    def __len__(self):
        return len(self.images) // self.batch_size

    def __getitem__(self, index):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return self.images[rows, :, :, None] / 16.0, keras.utils.to_categorical(self.labels[rows], 10)


images, labels = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(images.reshape(-1, 8, 8), labels, test_size=0.2, random_state=1)
train = Scans(x_train, y_train, batch_size=32)
test = Scans(x_test, y_test, batch_size=len(x_test))

inputs = layers.Input((8, 8, 1))
x = layers.Conv2D(16, 3, activation="relu")(inputs)
x = layers.Conv2D(32, 3, activation="relu")(x)
x = layers.Flatten()(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs, outputs)
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(train, epochs=8, verbose=2)
print("test accuracy:", model.evaluate(test, verbose=0)[1])
