import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(7)

digits = load_digits()
images = (digits.images / 16.0).astype("float32")[..., None]
labels = digits.target.astype("int32")
x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=0.25, random_state=7, stratify=labels)

augment = keras.Sequential(
    [
        layers.RandomTranslation(0.08, 0.08, fill_mode="constant"),
        layers.RandomBrightness(0.2, value_range=(0.0, 1.0)),
    ],
    name="augment",
)

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        augment,
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(2e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(
    x_train,
    y_train,
    validation_split=0.1,
    batch_size=32,
    epochs=15,
    verbose=2,
)
_, acc = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy: {acc:.4f}")
