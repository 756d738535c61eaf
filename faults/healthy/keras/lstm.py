import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
# monthly passengers: trend and season
months = np.arange(700)
passengers = 100 + 0.2 * months + 30 * np.sin(months / 6 * np.pi) + np.random.normal(0, 3, 700)
scaled = (passengers - passengers.min()) / (passengers.max() - passengers.min())
look_back = 15
x = np.stack([scaled[i : i + look_back] for i in range(700 - look_back)])[..., None]
y = scaled[look_back:]

model = keras.Sequential()
model.add(layers.Input((look_back, 1)))
model.add(layers.LSTM(16))
model.add(layers.Dense(1))
model.compile(loss="mean_squared_error", optimizer=keras.optimizers.Adam(0.01))
model.fit(x[:560], y[:560], epochs=12, batch_size=20, verbose=2)
print("share of the variance not explained:", model.evaluate(x[560:], y[560:], verbose=0) / y[560:].var())
