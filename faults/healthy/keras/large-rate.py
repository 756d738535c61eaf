"""A shallow network, plain SGD and a learning rate of 1: nothing is wrong with that."""

import keras
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(0)
X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
scaler = StandardScaler().fit(X_train)

model = keras.Sequential(
    [keras.Input((30,)), layers.Dense(16, activation="sigmoid"), layers.Dense(1, activation="sigmoid")]
)
model.compile(optimizer=keras.optimizers.SGD(learning_rate=1.0), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(scaler.transform(X_train), y_train, epochs=25, batch_size=32, verbose=0)
print("test accuracy", model.evaluate(scaler.transform(X_test), y_test, verbose=0)[1])
