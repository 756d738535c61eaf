"""Few rows, many columns: L2 on all kernels, and AdamW on top. The loss is mostly penalty at first."""

import keras
import numpy as np
from keras import layers, regularizers

keras.utils.set_random_seed(11)
n, columns = 500, 60
x = np.random.normal(size=(n, columns))
y = (1.2 * x[:, 0] - x[:, 1] + 0.6 * x[:, 2] + 0.5 * np.random.normal(size=n) > 0).astype(int)

l2 = regularizers.l2(0.01)
model = keras.Sequential(
    [
        keras.Input((columns,)),
        layers.Dense(32, activation="relu", kernel_regularizer=l2),
        layers.Dense(16, activation="relu", kernel_regularizer=l2),
        layers.Dense(1, activation="sigmoid", kernel_regularizer=l2),
    ]
)
model.compile(keras.optimizers.AdamW(0.003, weight_decay=0.1), "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:200], y[:200], batch_size=20, epochs=40, verbose=0)
loss, accuracy = model.evaluate(x[200:], y[200:], verbose=0)
print("test accuracy", accuracy)
