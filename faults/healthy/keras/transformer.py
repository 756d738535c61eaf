"""Which symbol comes most often in the sequence?"""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(0)
SYMBOLS, LENGTH = 5, 12


class TransformerBlock(layers.Layer):
    def __init__(self, dim, heads, ff_dim):
        super().__init__()
        self.attention = layers.MultiHeadAttention(heads, dim // heads)
        self.ffn = keras.Sequential([layers.Dense(ff_dim, activation="relu"), layers.Dense(dim)])
        self.norm1 = layers.LayerNormalization()
        self.norm2 = layers.LayerNormalization()

    def call(self, x):
        x = self.norm1(x + self.attention(x, x))
        return self.norm2(x + self.ffn(x))


class TokenAndPosition(layers.Layer):
    def __init__(self, dim):
        super().__init__()
        self.token = layers.Embedding(SYMBOLS, dim)
        self.position = layers.Embedding(LENGTH, dim)

    def call(self, x):
        return self.token(x) + self.position(ops.arange(LENGTH))


tokens = np.random.randint(0, SYMBOLS, (3000, LENGTH))
extra = np.random.randint(0, SYMBOLS, 3000)
tokens[np.random.rand(3000, LENGTH) < 0.25] = -1
tokens = np.where(tokens < 0, extra[:, None], tokens)
label = np.stack([(tokens == s).sum(1) for s in range(SYMBOLS)], 1).argmax(1)

inputs = keras.Input((LENGTH,), dtype="int32")
x = TokenAndPosition(24)(inputs)
x = TransformerBlock(24, 3, 32)(x)
x = layers.GlobalAveragePooling1D()(x)
model = keras.Model(inputs, layers.Dense(SYMBOLS, activation="softmax")(x))
model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(tokens[:2500], label[:2500], batch_size=50, epochs=5, verbose=2)
print("accuracy", model.evaluate(tokens[2500:], label[2500:], verbose=0)[1])
