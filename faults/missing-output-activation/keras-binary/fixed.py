import keras
import numpy as np
from keras.layers import BatchNormalization, Dense, Input

keras.utils.set_random_seed(11)

# late flights
n = 3000
wind, delay, hour = np.random.gamma(2, 1, n), np.random.exponential(1, n), np.random.uniform(5, 23, n)
others = np.random.normal(size=(n, 5))
risk = 0.8 * wind + 1.2 * delay - 0.002 * (hour - 14) ** 2 - 2.6
late = (risk + 0.8 * np.random.normal(size=n) > 0).astype("float32")
x = np.column_stack([wind - 2, delay - 1, (hour - 14) / 5, others])

inputs = Input((8,))
h = Dense(32, activation="relu")(inputs)
h = BatchNormalization()(h)
h = Dense(16, activation="relu")(h)
score = Dense(1, activation="sigmoid")(h)
net = keras.models.Model(inputs, score)
net.compile(keras.optimizers.RMSprop(0.002), "binary_crossentropy", metrics=["binary_accuracy"])
net.fit(x[:2400], late[:2400], batch_size=60, epochs=8, verbose=2)
loss, accuracy = net.evaluate(x[2400:], late[2400:], verbose=0)
print("accuracy", accuracy)
print("loss", loss)
