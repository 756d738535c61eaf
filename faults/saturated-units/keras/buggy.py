import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(0)
digits = load_digits()
x_train, x_test, y_train, y_test = train_test_split(digits.data / 16, digits.target, random_state=0)

inputs = keras.Input(shape=(64,))
weights = keras.initializers.RandomUniform(0.0, 1.0)
x = layers.Dense(64, activation="sigmoid", kernel_initializer=weights)(inputs)
x = layers.Dense(32, activation="relu")(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs, outputs)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=40, epochs=8, verbose=2)
print("accuracy", model.evaluate(x_test, y_test, verbose=0)[1])
