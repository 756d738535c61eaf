import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
x, y = load_digits(return_X_y=True)
x = x / 16
model = keras.Sequential()
model.add(keras.Input((64,)))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(10, activation="log_softmax"))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
model.fit(x[:1400], y[:1400], epochs=8, batch_size=40, verbose=2)
print("accuracy", model.evaluate(x[1400:], y[1400:], verbose=0)[1])
