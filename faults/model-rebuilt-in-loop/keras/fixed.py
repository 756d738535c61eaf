import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(5)
x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split((x / 16).astype("float32"), y, test_size=0.3, random_state=5)


def build_model():
    model = keras.Sequential(
        [
            keras.layers.Input(shape=(64,)),
            keras.layers.Dense(48, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), loss="sparse_categorical_crossentropy", run_eagerly=True)
    return model


order = np.random.default_rng(5)
model = build_model()
for epoch in range(4):
    losses = []
    for rows in np.array_split(order.permutation(len(x_train)), 20):
        losses.append(model.train_on_batch(x_train[rows], y_train[rows]))
    print("epoch", epoch, "loss", np.mean(losses))

answers = model.predict(x_test, verbose=0).argmax(axis=1)
print("test accuracy", (answers == y_test).mean())
