import keras
import numpy as np
from keras import layers
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(8)
rng = np.random.default_rng(8)

# the yield of a field: what was sown, rain, soil
n = 600
rain, soil, seed = rng.gamma(4, 1, n), rng.normal(0, 1, n), rng.uniform(0, 2, n)
crop = np.tanh(rain - 3) + 0.5 * soil * seed + 0.1 * rng.normal(size=n)
table = np.column_stack([rain, soil, seed, rng.normal(size=(n, 5)), crop])

train, test = table[:450], table[450:]
train = train[np.argsort(train[:, 0])]  # by rain
target = train[:, -1]
scaler = StandardScaler().fit(train[:, :-1])
x, x_test = scaler.transform(train[:, :-1]), scaler.transform(test[:, :-1])

model = keras.Sequential(
    [layers.Input((8,)), layers.Dense(256, activation="relu"), layers.Dense(256, activation="relu"), layers.Dense(1)]
)
model.compile(optimizer=keras.optimizers.Adam(0.001), loss="mse")
history = model.fit(x, target, validation_data=(x_test, test[:, -1]), epochs=60, batch_size=16, verbose=0)
print("losses", history.history["loss"][-1], history.history["val_loss"][-1])
error = model.evaluate(x_test, test[:, -1], verbose=0)
print("share of the variance explained", 1 - error / np.var(test[:, -1]))
