import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits


class Sampling(layers.Layer):
    """Draws z and adds the KL divergence to the loss."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        mean, log_var = inputs
        kl = -0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=1)
        self.add_loss(ops.mean(kl))
        return mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=self.seed_generator)


def reconstruction_loss(x, y):
    return ops.sum(keras.losses.binary_crossentropy(ops.expand_dims(x, -1), ops.expand_dims(y, -1)), axis=-1)


keras.utils.set_random_seed(0)
data = load_digits().data.astype("float32") / 16
train, test = data[:1500], data[1500:]
inputs = keras.Input((64,))
h = layers.Dense(48, activation="relu")(inputs)
z = Sampling()([layers.Dense(6, name="z_mean")(h), layers.Dense(6, name="z_log_var")(h)])
h = layers.Dense(48, activation="relu")(z)
outputs = layers.Dense(64, activation="sigmoid")(h)
vae = keras.Model(inputs, outputs)
vae.compile(optimizer=keras.optimizers.Adam(0.003), loss=reconstruction_loss)
vae.fit(train, train, epochs=10, batch_size=50, verbose=2)
print("mean pixel as a guess:", np.mean((test - train.mean(0)) ** 2))
print("reconstruction error:", np.mean((vae.predict(test, verbose=0) - test) ** 2))
