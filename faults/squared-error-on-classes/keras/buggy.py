import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(0)

X, y = load_digits(return_X_y=True)
Y = keras.utils.to_categorical(y)
X_train, X_test, Y_train, Y_test = train_test_split(X / 16, Y, test_size=0.2, random_state=42)

inputs = keras.Input(shape=(64,))
x = layers.Dense(32, activation="tanh")(inputs)
x = layers.Dense(32, activation="tanh")(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(loss="mean_squared_error", optimizer="sgd", metrics=["accuracy"])
model.fit(X_train, Y_train, epochs=12, batch_size=16, verbose=2)
print("accuracy:", model.evaluate(X_test, Y_test, verbose=0)[1])
