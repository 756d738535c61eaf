import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(67)
rng = np.random.default_rng(67)

STEPS = 12


def tagged_sequences(n):
    """The target is the value at the one step that carries the tag."""
    value = rng.normal(size=(n, STEPS))
    pos = rng.integers(0, STEPS, size=n)
    tag = np.zeros((n, STEPS))
    tag[np.arange(n), pos] = 1.0
    x = np.stack([value, tag], axis=-1).astype("float32")
    return x, value[np.arange(n), pos].astype("float32")[:, None]


class AttentionPool(layers.Layer):
    def __init__(self, width, **kw):
        super().__init__(**kw)
        self.score = layers.Dense(1)
        self.values = layers.Dense(width)

    def call(self, x):
        weights = ops.softmax(self.score(x), axis=1)
        return ops.sum(weights * self.values(x), axis=1)


x_train, y_train = tagged_sequences(3000)
x_test, y_test = tagged_sequences(600)

seq = keras.Input((STEPS, 2))
pooled = AttentionPool(16, name="pool")(seq)
out = layers.Dense(1)(layers.Dense(16, activation="relu")(pooled))
model = keras.Model(seq, out)
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse")
model.fit(x_train, y_train, batch_size=32, epochs=15, validation_data=(x_test, y_test), verbose=2)
mse = model.evaluate(x_test, y_test, verbose=0)
print(f"test r2: {1 - mse / y_test.var():.3f}")
