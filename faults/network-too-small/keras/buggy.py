import keras
from sklearn.datasets import make_circles

keras.utils.set_random_seed(0)
x, y = make_circles(800, noise=0.08, factor=0.5, random_state=4)
x = x.astype("float32")

model = keras.Sequential()
model.add(keras.Input((2,)))
model.add(keras.layers.Dense(2, activation="relu"))
model.add(keras.layers.Dense(1, activation="sigmoid"))
model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:600], y[:600], batch_size=30, epochs=80, verbose=0)
print("test accuracy", model.evaluate(x[600:], y[600:], verbose=0)[1])
