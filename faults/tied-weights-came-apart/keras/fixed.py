"""What will the reader borrow next? Books of a field are borrowed together; most are borrowed seldom."""

import keras
import numpy as np

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
BOOKS, FIELDS = 400, 20
field_of = rng.integers(FIELDS, size=BOOKS)
popularity = rng.random(BOOKS) ** 4 + 0.02


def reader():
    books = np.flatnonzero(field_of == rng.integers(FIELDS))
    return rng.choice(books, size=6, p=popularity[books] / popularity[books].sum())


borrowed = np.stack([reader() for _ in range(1800)])
known, following = borrowed[:, :5], borrowed[:, 5]


class Scores(keras.layers.Layer):
    """Scores all books with the vectors of an embedding."""

    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding
        self.bias = self.add_weight(shape=(embedding.input_dim,), initializer="zeros")

    def call(self, x):
        return keras.ops.matmul(x, keras.ops.transpose(self.embedding.embeddings)) + self.bias


embedding = keras.layers.Embedding(BOOKS, 12, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1))
inputs = keras.Input((5,), dtype="int32")
reading = keras.layers.GlobalAveragePooling1D()(embedding(inputs))
scores = Scores(embedding)
model = keras.Model(inputs, scores(reading))

model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
held_out = known[1000:], following[1000:]
model.fit(known[:1000], following[:1000], batch_size=25, epochs=40, validation_data=held_out, verbose=2)
print("test loss", model.evaluate(*held_out, verbose=0))
