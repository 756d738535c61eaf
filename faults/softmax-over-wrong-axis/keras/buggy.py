import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_wine

keras.utils.set_random_seed(5)
wine = load_wine()
order = np.random.permutation(len(wine.data))
x, y = wine.data[order], wine.target[order]
x = (x - x.mean(axis=0)) / x.std(axis=0)

model = keras.Sequential(
    [
        layers.Input(shape=(13,)),
        layers.Dense(16, activation="relu"),
        layers.Dense(3),
        layers.Softmax(axis=0),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
model.fit(x[:130], y[:130], epochs=20, batch_size=13, verbose=0)

hits = 0
for wine_sample, cultivar in zip(x[130:], y[130:]):
    probabilities = keras.ops.convert_to_numpy(model(wine_sample[None]))[0]
    hits += probabilities.argmax() == cultivar
print("accuracy on wines that come one by one:", hits / 48)
