import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)

READERS, BOOKS = 200, 150
likes, kind = rng.normal(size=(READERS, 4)), rng.normal(size=(BOOKS, 4))
reader, book = rng.integers(0, READERS, 7000), rng.integers(0, BOOKS, 7000)
score = (likes[reader] * kind[book]).sum(axis=1) / 2 + 0.1 * rng.normal(size=7000)
pairs = {"reader": reader[:, None], "book": book[:, None]}
first = {name: values[:6000] for name, values in pairs.items()}
rest = {name: values[6000:] for name, values in pairs.items()}


def table(rows, name):
    start = keras.initializers.RandomNormal(stddev=1.0)
    return layers.Embedding(rows, 50, embeddings_initializer=start, name=name)


reader_in, book_in = keras.Input((1,), name="reader"), keras.Input((1,), name="book")
reader_vector = layers.Flatten()(table(READERS, "readers")(reader_in))
book_vector = layers.Flatten()(table(BOOKS, "books")(book_in))
model = keras.Model([reader_in, book_in], layers.Dot(axes=1)([reader_vector, book_vector]))
model.compile(optimizer=keras.optimizers.Adam(0.003), loss="mse")
model.fit(first, score[:6000], epochs=12, batch_size=100, validation_data=(rest, score[6000:]), verbose=2)
error = model.evaluate(rest, score[6000:], verbose=0)
print("share of the variance explained", 1 - error / score[6000:].var())
