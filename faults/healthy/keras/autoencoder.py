import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
images = load_digits().images[..., None] / 16.0
train, test = images[:1500], images[1500:]

inputs = keras.Input((8, 8, 1))
x = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(inputs)
x = layers.Flatten()(x)
code = layers.Dense(14)(x)
x = layers.Dense(192, activation="relu")(code)
x = layers.Reshape((4, 4, 12))(x)
x = layers.Conv2DTranspose(12, 3, strides=2, padding="same", activation="relu")(x)
outputs = layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
autoencoder = keras.Model(inputs, outputs)
autoencoder.compile(optimizer=keras.optimizers.Adam(0.003), loss="binary_crossentropy")
autoencoder.fit(train, train, epochs=8, batch_size=50, validation_data=(test, test), verbose=2)
error = np.mean((autoencoder.predict(test, verbose=0) - test) ** 2) / np.mean((test - train.mean(0)) ** 2)
print(f"share of the variance that is lost: {error:.3f}")
