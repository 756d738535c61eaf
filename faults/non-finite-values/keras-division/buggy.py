import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(1)

VOCABULARY, TOPICS = 80, 4
topic = np.random.randint(0, TOPICS, 2000)
word_rates = np.random.gamma(0.4, 1.0, size=(TOPICS, VOCABULARY))
word_rates /= word_rates.sum(axis=1, keepdims=True)
length = np.random.poisson(4, 2000)
counts = np.array([np.random.multinomial(k, word_rates[t]) for k, t in zip(length, topic)], dtype="float32")


class Frequencies(layers.Layer):
    def call(self, counts):
        total = ops.sum(counts, axis=-1, keepdims=True)
        return counts / total


model = keras.Sequential(
    [
        layers.Input((VOCABULARY,)),
        Frequencies(),
        layers.Dense(32, activation="relu"),
        layers.Dense(TOPICS, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(counts[:1600], topic[:1600], batch_size=40, epochs=8, verbose=2)
print("accuracy", model.evaluate(counts[1600:], topic[1600:], verbose=0)[1])
