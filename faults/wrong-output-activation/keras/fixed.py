import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(5)
digits = load_digits()
x = digits.data / 16
y = keras.utils.to_categorical(digits.target, 10)

model = keras.models.Sequential()
model.add(layers.Input(shape=(64,)))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(32, activation="relu"))
model.add(layers.Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x[:1500], y[:1500], epochs=10, batch_size=50, verbose=2)
score = model.evaluate(x[1500:], y[1500:], verbose=0)
print("Test loss:", score[0])
print("Test accuracy:", score[1])
