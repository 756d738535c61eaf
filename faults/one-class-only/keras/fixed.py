import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(6)
rng = np.random.default_rng(6)

# Three kinds of star by their spectrum: each has its own bump on a slope, and the catalog lists one kind after the other.
wavelength = np.linspace(0, 1, 48)


def spectra(center, width, count):
    slope = rng.normal(0, 0.8, (count, 1)) * (wavelength - 0.5)
    bump = rng.uniform(0.4, 1.2, (count, 1)) * np.exp(-(((wavelength - center) / width) ** 2))
    return slope + bump + rng.normal(0, 0.25, (count, 48))


x = np.concatenate([spectra(0.3, 0.1, 1500), spectra(0.45, 0.1, 700), spectra(0.4, 0.2, 500)]).astype("float32")
y = np.repeat([0, 1, 2], [1500, 700, 500])
order = rng.permutation(len(x))
train, test = order[:1200], order[1200:]


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = layers.Conv1D(16, 9, activation="relu")
        self.hidden = layers.Dense(32, activation="relu")
        self.out = layers.Dense(3)

    def call(self, spectrum):
        features = self.conv(ops.expand_dims(spectrum, -1))
        return self.out(self.hidden(ops.reshape(features, (-1, 40 * 16))))


model = Classifier()
model.compile(
    optimizer=keras.optimizers.RMSprop(0.001),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x[train], y[train], batch_size=60, epochs=15, verbose=2)
print("test accuracy:", model.evaluate(x[test], y[test], verbose=0)[1])
