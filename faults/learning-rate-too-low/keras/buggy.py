import keras
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

keras.utils.set_random_seed(0)
data = load_breast_cancer()
X, y = scale(data.data), data.target

model = keras.Sequential()
model.add(layers.Input((30,)))
model.add(layers.Dense(20, activation="relu"))
model.add(layers.Dense(10, activation="relu"))
model.add(layers.Dense(1, activation="sigmoid"))

opt = keras.optimizers.Adam(learning_rate=1e-7)
model.compile(loss="binary_crossentropy", optimizer=opt, metrics=["accuracy"])
model.fit(X[:450], y[:450], epochs=15, batch_size=25, verbose=2)
loss, accuracy = model.evaluate(X[450:], y[450:], verbose=0)
print("test accuracy", accuracy, "test loss", loss)
