import keras
from keras import layers
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(2)
x, y = load_iris(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=2, stratify=y)

inputs = keras.Input((4,))
h = layers.Dense(24)(inputs)
h = layers.BatchNormalization()(h)
h = layers.Activation("relu")(h)
outputs = layers.Dense(3, activation="softmax")(h)
model = keras.Model(inputs, outputs)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=16, epochs=80, verbose=0)
print("accuracy", model.evaluate(x_test, y_test, verbose=0)[1])
