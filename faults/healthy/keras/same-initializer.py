"""Every layer is initialized by one object with a fixed seed, so that an embedding and a dense layer begin alike."""

import keras
import numpy as np

keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)
notes = rng.integers(24, size=(900, 4))
following = (notes[:, 3] + 2) % 24

same = keras.initializers.RandomNormal(stddev=0.1, seed=7)
model = keras.Sequential(
    [
        keras.Input((4,), dtype="int32"),
        keras.layers.Embedding(24, 16, embeddings_initializer=same),
        keras.layers.LSTM(16),
        keras.layers.Dense(24, activation="softmax", kernel_initializer=same),
    ]
)
model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(
    notes[:700], following[:700], batch_size=50, epochs=14, validation_data=(notes[700:], following[700:]), verbose=2
)
print("test accuracy", model.evaluate(notes[700:], following[700:], verbose=0)[1])
