import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, random_state=0)

model = keras.Sequential()
model.add(keras.Input((64,)))
model.add(layers.Dense(64, activation="relu"))
model.add(layers.Dense(64, activation="relu", kernel_initializer="he_normal"))
model.add(layers.Dense(10, activation="softmax"))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, batch_size=32, epochs=6, validation_data=(X_test, y_test), verbose=2)
print("accuracy", model.evaluate(X_test, y_test, verbose=0)[1])
