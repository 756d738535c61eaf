"""Dropout everywhere: 20 % of the inputs, half of both hidden layers. Training looks worse than validation."""

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(7)
x, y = load_digits(return_X_y=True)
x = x / 16.0

model = keras.Sequential()
model.add(keras.Input(shape=(64,)))
model.add(layers.Dropout(0.2))
model.add(layers.Dense(256, activation="relu"))
model.add(layers.Dropout(0.5))
model.add(layers.Dense(256, activation="relu"))
model.add(layers.Dropout(0.5))
model.add(layers.Dense(10, activation="softmax"))
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x[:1300], y[:1300], batch_size=50, epochs=15, validation_data=(x[1300:], y[1300:]), verbose=0)
print("loss in training", history.history["loss"][-1], "in validation", history.history["val_loss"][-1])
print("test accuracy", history.history["val_accuracy"][-1])
