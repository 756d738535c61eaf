import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(0)

# two well separated groups, the second one is much rarer
n = 2000
group = (np.random.rand(n) < 0.2).astype("float32")
x = np.random.normal(size=(n, 8)) + 20 * group[:, None]


def weighted_cross_entropy(y_true, y_pred):
    positive = y_true * ops.log(y_pred + 1e-7)
    negative = (1 - y_true) * ops.log(1 - y_pred + 1e-7)
    return -ops.mean(4 * positive + negative)


model = keras.Sequential(
    [
        keras.Input((8,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(32, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss=weighted_cross_entropy)
model.fit(x[:1600], group[:1600, None], batch_size=32, epochs=6, verbose=2)

found = model.predict(x[1600:], verbose=0)[:, 0] > 0.5
print("rare group found:", np.mean(found[group[1600:] == 1]))
