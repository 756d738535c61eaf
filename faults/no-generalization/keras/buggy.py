import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(5)
rng = np.random.default_rng(5)


def sketches(n):
    """Rings and bars of 12 x 12 points, somewhere in the picture"""
    grid = np.stack(np.meshgrid(np.arange(12), np.arange(12)), axis=-1)
    center = rng.uniform(4, 8, (n, 1, 1, 2))
    away = grid - center
    kind = rng.integers(0, 2, n)
    ring = np.abs(np.hypot(away[..., 0], away[..., 1]) - 3) < 0.8
    bar = (np.abs(away[..., 0]) < 1) & (np.abs(away[..., 1]) < 4)
    pictures = np.where(kind[:, None, None] == 1, ring, bar) + rng.normal(0, 0.15, (n, 12, 12))
    return pictures[..., None].astype("float32"), kind


x_train, y_train = sketches(500)
x_val, y_val = sketches(200)
order = rng.permutation(len(x_train))
x_train = x_train[order]
y_train = y_train[np.sort(order)]

model = keras.Sequential(
    [
        layers.Input((12, 12, 1)),
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dense(128, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=30, batch_size=25, validation_data=(x_val, y_val), verbose=2)
print("validation accuracy", model.evaluate(x_val, y_val, verbose=0)[1])
