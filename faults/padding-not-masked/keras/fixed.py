"""Toy review polarity: short texts, padded to a fixed length."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(11)
rng = np.random.default_rng(11)

VOCAB = 400
MAXLEN = 90
N = 2400

valence = np.zeros(VOCAB, dtype="float32")
valence[10:90] = 1.0
valence[90:170] = -1.0

texts, labels = [], []
while len(texts) < N:
    n = rng.integers(5, 13)
    toks = rng.integers(2, 300, size=n)
    score = valence[toks].sum()
    if score == 0:
        continue
    texts.append(toks.tolist())
    labels.append(int(score > 0))

X = keras.utils.pad_sequences(texts, maxlen=MAXLEN, padding="post", value=0)
y = np.array(labels, dtype="float32")
n_val = N // 5
X_train, y_train = X[n_val:], y[n_val:]
X_val, y_val = X[:n_val], y[:n_val]
print("mean length", np.mean([len(t) for t in texts]), "padded to", X.shape[1])

model = keras.Sequential(
    [
        keras.Input((MAXLEN,), dtype="int32"),
        layers.Embedding(VOCAB, 24, mask_zero=True, name="tok_emb"),
        layers.LSTM(24, name="reader"),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(3e-3),
    loss="binary_crossentropy",
    metrics=["accuracy"],
)

train_ds_kwargs = dict(batch_size=64, epochs=7, verbose=2)
hist = model.fit(X_train, y_train, validation_data=(X_val, y_val), **train_ds_kwargs)
print("train acc per epoch:", [round(a, 3) for a in hist.history["accuracy"]])

loss, acc = model.evaluate(X_val, y_val, verbose=0)
print(f"RESULT {acc:.4f}")
