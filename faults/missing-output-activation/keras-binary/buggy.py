import keras
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(11)
x, y = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=11)
scaler = StandardScaler().fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

inputs = keras.layers.Input((30,))
h = keras.layers.Dense(32, activation="relu", kernel_initializer="he_normal")(inputs)
h = keras.layers.Dense(16, activation="relu", kernel_initializer="he_normal")(h)
score = keras.layers.Dense(1)(h)
net = keras.models.Model(inputs, score)
net.compile(keras.optimizers.RMSprop(0.001), "binary_crossentropy", metrics=["binary_accuracy"])
net.fit(x_train, y_train, batch_size=32, epochs=15, verbose=2)
loss, accuracy = net.evaluate(x_test, y_test, verbose=0)
print("accuracy", accuracy)
print("loss", loss)
