import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(1)
digits = load_digits()
x = digits.data.astype("float32")
y = digits.target

# zero mean and unit variance for every pixel
x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-3)

x_train, x_test = x[:1400], x[1400:]
y_train, y_test = y[:1400], y[1400:]

inputs = keras.Input(shape=(64,))
h = layers.Dense(48, activation="relu")(inputs)
h = layers.Dropout(0.2)(h)
outputs = layers.Dense(10, activation="softmax")(h)
model = keras.Model(inputs, outputs, name="digits")
model.summary()

model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=8, batch_size=50, verbose=0)
print("Accuracy: %.3f" % model.evaluate(x_test, y_test, verbose=0)[1])
