import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

keras.utils.set_random_seed(12)
pixels = (load_digits().data / 16.0).astype("float32")
order = np.random.default_rng(12).permutation(len(pixels))
train, test = pixels[order[:1500]], pixels[order[1500:]]


class Code(layers.Layer):
    """A code drawn from what the encoder says of it, held close to a standard normal one."""

    def __init__(self):
        super().__init__()
        self.seed = keras.random.SeedGenerator(3)

    def call(self, inputs):
        mean, log_var = inputs
        divergence = -0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=1)
        self.add_loss(ops.mean(divergence) / 64)  # per pixel, as the cross-entropy is
        return mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=self.seed)


image = keras.Input((64,))
h = layers.Dense(96, activation="relu")(image)
mean, log_var = layers.Dense(8, name="mean")(h), layers.Dense(8, name="log_var")(h)
decoder = keras.Sequential([layers.Dense(96, activation="relu"), layers.Dense(64, activation="sigmoid")])
model = keras.Model(image, decoder(Code()([mean, log_var])))
model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="binary_crossentropy")
model.fit(train, train, batch_size=50, epochs=25, verbose=2)

answer = decoder.predict(keras.Model(image, mean).predict(test, verbose=0), verbose=0)
print("share of the variance", 1 - np.square(answer - test).mean() / np.square(test - train.mean(axis=0)).mean())
