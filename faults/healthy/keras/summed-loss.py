"""The loss is the sum over the batch, and the learning rate is chosen for that."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(6)
clean = load_digits().images[..., None] / 16
noisy = clean + 0.3 * np.random.normal(size=clean.shape)
model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(24, 3, padding="same", activation="relu"),
        layers.Conv2D(24, 3, padding="same", activation="relu"),
        layers.Conv2D(1, 3, padding="same"),
    ]
)
loss = keras.losses.MeanSquaredError(reduction="sum")
model.compile(keras.optimizers.SGD(2e-5, momentum=0.9), loss)
model.fit(noisy[:1400], clean[:1400], batch_size=50, epochs=8, verbose=0)
left = np.mean((np.asarray(model.predict(noisy[1400:], verbose=0)) - clean[1400:]) ** 2)
print("share of the noise left:", left / 0.09)
