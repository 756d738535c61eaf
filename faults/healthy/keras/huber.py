import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
keras.utils.set_random_seed(0)
x = rng.uniform(-2, 2, size=(2000, 2))
truth = x[:, 0] ** 2 - np.abs(x[:, 1])
y = truth + rng.standard_t(1.5, 2000) * 0.2
model = keras.Sequential(
    [keras.Input((2,)), layers.Dense(48, activation="elu"), layers.Dense(24, activation="elu"), layers.Dense(1)]
)
model.compile(keras.optimizers.Adam(0.01), loss=keras.losses.Huber(delta=0.5))
model.fit(x[:1600], y[:1600], epochs=12, batch_size=50, verbose=2)
print("mean error", np.abs(model.predict(x[1600:], verbose=0)[:, 0] - truth[1600:]).mean())
