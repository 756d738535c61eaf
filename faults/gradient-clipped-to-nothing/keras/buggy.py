import keras
import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(2)
x, y = load_wine(return_X_y=True)
x = (x - x.mean(axis=0)) / x.std(axis=0)
x_train, x_test, y_train, y_test = train_test_split(x.astype("float32"), y, test_size=0.3, random_state=2)

inputs = keras.Input(shape=(13,))
hidden = keras.layers.Dense(24, activation="tanh")(inputs)
hidden = keras.layers.Dense(12, activation="tanh")(hidden)
outputs = keras.layers.Dense(3, activation="softmax")(hidden)
model = keras.Model(inputs, outputs)

optimizer = keras.optimizers.SGD(learning_rate=0.05, momentum=0.9, clipvalue=1e-6)
model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
model.fit(x_train, y_train, epochs=30, batch_size=8, verbose=2)

chances = model.predict(x_test, verbose=0)[np.arange(len(y_test)), y_test]
print("loss:", -np.mean(np.log(chances)))
