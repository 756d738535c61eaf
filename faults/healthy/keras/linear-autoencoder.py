"""A linear autoencoder finds the principal components: two layers, no nonlinearity on purpose."""

import keras
from keras import layers
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(0)
x = StandardScaler().fit_transform(load_wine().data).astype("float32")
model = keras.Sequential([keras.Input((13,)), layers.Dense(3, use_bias=False), layers.Dense(13, use_bias=False)])
model.compile(keras.optimizers.Adam(0.01), "mse")
model.fit(x, x, batch_size=32, epochs=60, verbose=0)
print("share of the variance lost:", model.evaluate(x, x, verbose=0) / (x**2).mean())
