import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(127)

digits = load_digits()
x = (digits.data / 16.0).astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, digits.target, test_size=0.25, random_state=127)

inputs = keras.Input((64,))
h = layers.Dense(32, activation="elu")(inputs)
h = layers.Dense(32, activation="elu")(h)
model = keras.Model(inputs, layers.Dense(10, activation="softmax")(h))
model.compile(optimizer=keras.optimizers.SGD(0.02), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
slower = keras.callbacks.ReduceLROnPlateau(monitor="val_accuracy", mode="max", factor=0.2, patience=2, min_delta=0)
model.fit(x_train, y_train, batch_size=32, epochs=30, validation_split=0.15, callbacks=[slower], verbose=2)
print(f"test accuracy: {model.evaluate(x_test, y_test, verbose=0)[1]:.3f}")
