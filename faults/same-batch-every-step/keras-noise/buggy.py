import math

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(4)

X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8).astype("float32") / 16.0
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, random_state=4)


class DigitSequence(keras.utils.PyDataset):
    """Feeds noisy rows of a digit as an 8-step sequence."""

    def __init__(self, x, y, batch_size=32, noise=0.05, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y = x, y
        self.batch_size = batch_size
        self.noise = noise
        self.rng = np.random.default_rng(seed)
        self.order = self.rng.permutation(len(x))

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, idx):
        low = 0
        high = min(low + self.batch_size, len(self.x))
        rows = self.order[low:high]
        batch = self.x[rows]
        batch = batch + self.rng.normal(scale=self.noise, size=batch.shape)
        return batch.astype("float32"), self.y[rows]

    def on_epoch_end(self):
        pass


train_gen = DigitSequence(X_train, y_train, batch_size=48, seed=4)
model = keras.Sequential(
    [
        keras.Input((8, 8)),
        layers.Conv1D(48, 3, padding="same", activation="relu"),
        layers.Conv1D(48, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(train_gen, epochs=15, validation_data=(X_val, y_val), verbose=2)
_, acc = model.evaluate(X_val, y_val, verbose=0)
print(f"test accuracy {acc:.4f}")
