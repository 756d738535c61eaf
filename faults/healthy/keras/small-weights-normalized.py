"""Deep, and all weights begin at 0.01; batch normalization brings each layer's output back to size."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(4)
digits = load_digits()
order = np.random.default_rng(4).permutation(len(digits.target))
x = (digits.data / 16).astype("float32")[order]
y = digits.target[order]

init = keras.initializers.RandomNormal(stddev=0.01)
model = keras.Sequential([keras.Input((64,))])
for _ in range(6):
    model.add(layers.Dense(64, kernel_initializer=init, use_bias=False))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.ReLU())
model.add(layers.Dense(10, kernel_initializer=init))

model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(x[:1400], y[:1400], batch_size=64, epochs=15, verbose=2)
print("test accuracy", model.evaluate(x[1400:], y[1400:], verbose=0)[1])
