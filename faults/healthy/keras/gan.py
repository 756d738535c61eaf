"""A GAN in plain Keras: the generator learns through a frozen discriminator."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1)


def build_discriminator():
    inputs = keras.Input((2,))
    x = layers.Dense(32, activation="leaky_relu")(inputs)
    x = layers.Dense(32, activation="leaky_relu")(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x), name="discriminator")


generator = keras.Sequential(
    [keras.Input((4,)), layers.Dense(32, activation="relu"), layers.Dense(32, activation="relu"), layers.Dense(2)],
    name="generator",
)
discriminator = build_discriminator()
discriminator.compile(keras.optimizers.Adam(0.002, beta_1=0.5), "binary_crossentropy")

frozen = build_discriminator()
frozen.trainable = False
gan = keras.Sequential([generator, frozen], name="gan")
gan.compile(keras.optimizers.Adam(0.002, beta_1=0.5), "binary_crossentropy")

batch, center = 64, np.array([2.0, -1.0])
for step in range(250):
    real = center + 0.3 * np.random.normal(size=(batch, 2))
    fake = generator.predict_on_batch(np.random.normal(size=(batch, 4)))
    points = np.concatenate([real, fake])
    labels = np.concatenate([np.ones((batch, 1)), np.zeros((batch, 1))])
    d_loss = discriminator.train_on_batch(points, labels)
    frozen.set_weights(discriminator.get_weights())
    g_loss = gan.train_on_batch(np.random.normal(size=(batch, 4)), np.ones((batch, 1)))
    if step % 50 == 0:
        print(f"step {step}: d {float(d_loss):.3f} g {float(g_loss):.3f}")

points = generator.predict_on_batch(np.random.normal(size=(500, 4)))
print("distance from the center:", np.linalg.norm(np.asarray(points) - center, axis=1).mean())
