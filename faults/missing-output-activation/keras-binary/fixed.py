import keras
import numpy as np

keras.utils.set_random_seed(11)

# does the sequence contain more ups than downs?
steps = np.random.choice([-1.0, 1.0], size=(2400, 20, 1), p=[0.5, 0.5])
y = (steps.sum(axis=1) > 0).astype("float32")
x = steps + 0.3 * np.random.normal(size=steps.shape)

inputs = keras.layers.Input((20, 1))
h = keras.layers.GRU(16)(inputs)
score = keras.layers.Dense(1, activation="sigmoid")(h)
net = keras.models.Model(inputs, score)
net.compile(keras.optimizers.RMSprop(0.005), "binary_crossentropy", metrics=["binary_accuracy"])
net.fit(x[:2000], y[:2000], batch_size=50, epochs=6, verbose=2)
print(net.evaluate(x[2000:], y[2000:], verbose=0)[1])
