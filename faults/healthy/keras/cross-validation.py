"""Five folds, each with a model of its own that the same line builds."""

import keras
import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold

keras.utils.set_random_seed(0)
x, y = load_iris(return_X_y=True)
x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")


def build():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


scores = []
for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(x, y):
    model = build()
    model.fit(x[train], y[train], batch_size=30, epochs=15, verbose=0)
    scores.append(model.evaluate(x[test], y[test], verbose=0)[1])
    print("accuracy", scores[-1])
print("mean accuracy", np.mean(scores))
