"""Two-stage transfer: parity pre-training, then ten-way digits."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(99)

digits = load_digits()
x = (digits.images[..., None] / 16.0).astype("float32")
y = digits.target
x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.25, random_state=3, stratify=y)


def make_base():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(8, activation="tanh"),
        ],
        name="base",
    )


# ---- source task: odd or even ----
base = make_base()
source = keras.Sequential([base, layers.Dense(1, activation="sigmoid")])
source.compile("adam", loss="binary_crossentropy", metrics=["accuracy"])
source.fit(x_tr, y_tr % 2, epochs=12, batch_size=32, verbose=2)

# ---- target task, stage 1: train the new head only ----
base.trainable = False
inputs = keras.Input((8, 8, 1))
features = base(inputs, training=False)
outputs = layers.Dense(10, activation="softmax", name="head")(features)
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.Adam(1e-2),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_tr, y_tr, epochs=6, batch_size=32, verbose=2)
print("after stage 1:", model.evaluate(x_te, y_te, verbose=0)[1])

# ---- stage 2: fine-tune the whole network ----
base.trainable = True
model.fit(x_tr, y_tr, epochs=20, batch_size=32, validation_data=(x_te, y_te), verbose=2)

print(f"test accuracy {model.evaluate(x_te, y_te, verbose=0)[1]:.4f}")
