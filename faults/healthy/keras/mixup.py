"""Mixup: a data set that mixes two images, and their labels, for each example."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(2)
digits = load_digits()
images, labels = digits.images[..., None] / 16, np.eye(10)[digits.target]


class Mixup(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size=50):
        super().__init__()
        self.x, self.y, self.size = x, y, batch_size

    def __len__(self):
        return len(self.x) // self.size

    def __getitem__(self, index):
        one = np.random.randint(len(self.x), size=self.size)
        two = np.random.randint(len(self.x), size=self.size)
        share = np.random.beta(1.0, 1.0, size=(self.size, 1))
        far = share[:, :, None, None]
        return far * self.x[one] + (1 - far) * self.x[two], share * self.y[one] + (1 - share) * self.y[two]


model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(keras.optimizers.Adam(2e-3), "categorical_crossentropy", metrics=["accuracy"])
model.fit(Mixup(images[:1300], labels[:1300]), epochs=10, verbose=0)
print("test accuracy", model.evaluate(images[1300:], labels[1300:], verbose=0)[1])
