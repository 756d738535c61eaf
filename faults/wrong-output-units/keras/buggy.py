from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import keras

keras.utils.set_random_seed(1)
iris = load_iris()
X = StandardScaler().fit_transform(iris.data)
y = iris.target
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=1)

classifier = keras.Sequential()
classifier.add(keras.layers.Input(shape=(4,)))
classifier.add(keras.layers.Dense(units=10, kernel_initializer="he_uniform", activation="relu"))
classifier.add(keras.layers.Dense(units=10, kernel_initializer="he_uniform", activation="relu"))
classifier.add(keras.layers.Dense(units=1, activation="sigmoid"))
classifier.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"])
classifier.fit(X_train, y_train, batch_size=10, epochs=30, verbose=0)
print("accuracy: %.2f" % classifier.evaluate(X_test, y_test, verbose=0)[1])
