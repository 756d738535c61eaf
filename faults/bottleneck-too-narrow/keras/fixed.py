import keras
import numpy as np
from keras.layers import Dense

keras.utils.set_random_seed(9)
rng = np.random.default_rng(9)

# Twelve kinds of parts, each measured in ten ways.
kinds = rng.normal(0, 1, (12, 10))
label = rng.integers(0, 12, 1800)
x = kinds[label] + rng.normal(0, 0.5, (1800, 10))
y = keras.utils.to_categorical(label, 12)

model = keras.Sequential()
model.add(keras.Input((10,)))
model.add(Dense(40, activation="relu"))
model.add(Dense(20, activation="relu"))
model.add(Dense(12, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(0.005), metrics=["accuracy"])
model.fit(x[:1500], y[:1500], epochs=15, batch_size=30, verbose=0)
loss, accuracy = model.evaluate(x[1500:], y[1500:], verbose=0)
print(f"accuracy {accuracy:.4f}")
