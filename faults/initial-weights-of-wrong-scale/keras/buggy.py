import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(7)
digits = load_digits()
x = digits.data.astype("float32") / 16
y = digits.target
order = np.random.permutation(len(x))
x, y = x[order], y[order]

init = keras.initializers.RandomNormal(mean=0.0, stddev=0.01)

model = keras.Sequential([keras.Input((64,))])
for units in (128, 128, 64, 64, 32):
    model.add(layers.Dense(units, activation="relu", kernel_initializer=init))
model.add(layers.Dense(10, activation="softmax"))

model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[:1400], y[:1400], batch_size=32, epochs=12, verbose=2)
_, accuracy = model.evaluate(x[1400:], y[1400:], verbose=0)
print("test accuracy", round(accuracy, 3))
