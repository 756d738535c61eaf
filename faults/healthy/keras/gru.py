import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(3)
# is the word a palindrome of three letters and their mirror?
words = np.random.randint(1, 4, size=(2400, 6))
mirror = np.random.rand(2400) < 0.5
words[mirror, 3:] = words[mirror, 2::-1]
label = (words[:, :3] == words[:, :2:-1]).all(axis=1).astype("float32")
model = keras.Sequential(
    [
        layers.Embedding(4, 8),
        layers.Bidirectional(layers.GRU(24)),
        layers.Dense(24, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
model.fit(words[:2000], label[:2000], epochs=8, batch_size=50, verbose=2)
print("accuracy", model.evaluate(words[2000:], label[2000:], verbose=0)[1])
