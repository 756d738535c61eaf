import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
X, y = load_digits(return_X_y=True)
X = X / 16

init = keras.initializers.RandomUniform(minval=-0.1, maxval=0.1)
model = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(64, kernel_initializer=init),
        layers.Activation("relu"),
        layers.Dense(32, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.002), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X[:1400], y[:1400], epochs=8, batch_size=40, verbose=2)
print("accuracy", model.evaluate(X[1400:], y[1400:], verbose=0)[1])
