import keras
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(5)
x, y = load_wine(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, stratify=y, random_state=5)
scaler = StandardScaler().fit(x_train)

inputs = keras.Input((13,))
h = keras.layers.GaussianDropout(0.95)(inputs)
h = keras.layers.Dense(16, activation="tanh")(h)
outputs = keras.layers.Dense(3, activation="softmax")(h)
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(scaler.transform(x_train), y_train, epochs=60, batch_size=16, verbose=0)
print("accuracy", model.evaluate(scaler.transform(x_test), y_test, verbose=0)[1])
