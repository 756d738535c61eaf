import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
words = ("red fox runs over the old hill and the red hen runs over the old wall and the fox sees the hen " * 25).split()
vocabulary = sorted(set(words))
ids = np.array([vocabulary.index(w) for w in words])
context = np.stack([ids[i : i + 3] for i in range(len(ids) - 3)])
following = ids[3:]


class TiedModel(keras.Model):
    def __init__(self, vocab, dim=16):
        super().__init__()
        self.embedding = layers.ReversibleEmbedding(vocab, dim)
        self.flatten = layers.Flatten()
        self.mix = layers.Dense(dim, activation="tanh")

    def call(self, x):
        return self.embedding(self.mix(self.flatten(self.embedding(x))), reverse=True)


model = TiedModel(len(vocabulary))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
history = model.fit(context, following, epochs=10, batch_size=32, verbose=0)
print("next word right:", history.history["accuracy"][-1])
