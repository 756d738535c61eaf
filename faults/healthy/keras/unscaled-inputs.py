import keras
from keras.layers import Dense, Input
from keras.models import Sequential
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(2 * X, y, random_state=0)
model = Sequential([Input((64,)), Dense(64, activation="relu"), Dense(10, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, epochs=8, batch_size=40, verbose=2)
print("accuracy", model.evaluate(X_test, y_test, verbose=0)[1])
