import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(29)
rng = np.random.default_rng(29)

VOCAB, SEQ, DIM = 20, 16, 32
LOGIN, PAY = 1, 2

# event logs: did the customer pay before or after logging in?
tokens = rng.integers(3, VOCAB, (3600, SEQ))
label = rng.integers(0, 2, 3600)
for row, lab in zip(tokens, label):
    first, second = np.sort(rng.choice(SEQ, 2, replace=False))
    row[first], row[second] = (LOGIN, PAY) if lab == 1 else (PAY, LOGIN)
x_train, y_train = tokens[:2900], label[:2900]
x_test, y_test = tokens[2900:], label[2900:]


class PositionEmbedding(layers.Layer):
    def build(self, input_shape):
        self.table = self.add_weight(shape=input_shape[1:], initializer="random_normal", name="positions")

    def call(self, x):
        return x + self.table


def encoder_block(x, heads, ff):
    a = layers.MultiHeadAttention(heads, DIM // heads)(x, x)
    x = layers.LayerNormalization()(x + a)
    f = layers.Dense(ff, activation="relu")(x)
    f = layers.Dense(DIM)(f)
    return layers.LayerNormalization()(x + f)


inputs = keras.Input((SEQ,), dtype="int32")
h = layers.Embedding(VOCAB, DIM)(inputs)
h = PositionEmbedding()(h)
h = encoder_block(h, heads=4, ff=64)
h = layers.GlobalAveragePooling1D()(h)
h = layers.Dense(32, activation="relu")(h)
outputs = layers.Dense(1, activation="sigmoid")(h)
model = keras.Model(inputs, outputs)

model.compile(
    optimizer=keras.optimizers.Adam(2e-3),
    loss="binary_crossentropy",
    metrics=["accuracy"],
)
model.fit(
    x_train,
    y_train,
    batch_size=64,
    epochs=10,
    validation_data=(x_test, y_test),
    verbose=2,
)
_, acc = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy: {acc:.4f}")
