import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(9)
rng = np.random.default_rng(9)

# Melodies: from each note there are two likely ones to go to, and one that is rare.
NOTES, LENGTH = 14, 25
likely = np.stack([rng.permutation(NOTES)[:3] for _ in range(NOTES)])
melodies = np.zeros((1600, LENGTH), "int32")
melodies[:, 0] = rng.integers(0, NOTES, 1600)
for at in range(1, LENGTH):
    melodies[:, at] = likely[melodies[:, at - 1], rng.choice(3, 1600, p=[0.7, 0.25, 0.05])]

x = melodies[:, :-1]
y = melodies[:, :-1]
model = keras.Sequential(
    [
        keras.Input((LENGTH - 1,), dtype="int32"),
        layers.Embedding(NOTES, 24),
        layers.GRU(48, return_sequences=True),
        layers.Dense(NOTES),
    ]
)
model.compile(keras.optimizers.Adam(0.005), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x[:1200], y[:1200], batch_size=40, epochs=8, verbose=2)
guesses = model.predict(melodies[1200:, :-1], verbose=0).argmax(axis=-1)
print("next notes right", (guesses == melodies[1200:, 1:]).mean())
