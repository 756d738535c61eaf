import os
import tempfile
import warnings

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

warnings.filterwarnings("ignore")
keras.utils.set_random_seed(14)

X, y = load_digits(return_X_y=True)
X = (X / 16.0).astype("float32")
X_big, X_rest, y_big, y_rest = train_test_split(X, y, train_size=1000, random_state=14, stratify=y)
X_few, X_test, y_few, y_test = train_test_split(X_rest, y_rest, train_size=120, random_state=14, stratify=y_rest)


def make_backbone(width=64, code=10):
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(width, activation="tanh", name="enc1"),
            layers.Dense(width, activation="tanh", name="enc2"),
            layers.Dense(code, activation="tanh", name="code"),
        ],
        name="backbone",
    )


def make_classifier(backbone):
    inp = keras.Input((64,))
    h = backbone(inp)
    return keras.Model(inp, layers.Dense(10, activation="softmax", name="probs")(h))


weights_file = os.path.join(tempfile.mkdtemp(), "backbone.weights.h5")

# ---- big labelled set: pre-train and export the backbone ----
backbone = make_backbone(width=64)
teacher = make_classifier(backbone)
teacher.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
teacher.fit(X_big, y_big, epochs=30, batch_size=32, verbose=0)
print("teacher", teacher.evaluate(X_test, y_test, verbose=0))
backbone.save_weights(weights_file)

# ---- few labels: reuse the backbone, train a head ----
pretrained = make_backbone(width=64)
pretrained.load_weights(weights_file, skip_mismatch=True)
pretrained.trainable = False

student = make_classifier(pretrained)
student.compile(
    optimizer=keras.optimizers.Adam(1e-2),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
student.fit(X_few, y_few, epochs=60, batch_size=16, verbose=2)
_, acc = student.evaluate(X_test, y_test, verbose=0)
print(f"test accuracy {acc:.4f}")
