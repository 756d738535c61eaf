import keras
import numpy as np
from keras import layers
from sklearn.metrics import balanced_accuracy_score

keras.utils.set_random_seed(0)
counts = {0: 2000, 1: 500, 2: 100}
centers = np.random.normal(0, 1.5, size=(3, 8))
y = np.repeat(list(counts), list(counts.values()))
x = centers[y] + np.random.normal(size=(len(y), 8))
order = np.random.permutation(len(y))
x, y = x[order], y[order]
model = keras.Sequential(
    [keras.Input((8,)), layers.Dense(24, activation="relu"), layers.Dense(3, activation="softmax")]
)
model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
class_weight = {label: len(y) / (3 * n) for label, n in counts.items()}
model.fit(x[:2000], y[:2000], class_weight=class_weight, epochs=8, batch_size=50, verbose=2)
predicted = model.predict(x[2000:], verbose=0).argmax(axis=1)
print("balanced accuracy:", balanced_accuracy_score(y[2000:], predicted))
