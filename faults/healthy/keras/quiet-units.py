import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
x, y = load_digits(return_X_y=True)
x = x / 16
# far more hidden units than needed, most of them switched off by the bias
hidden = layers.Dense(400, activation="relu", bias_initializer=keras.initializers.Constant(-0.7))
model = keras.Sequential([keras.Input((64,)), hidden, layers.Dense(10, activation="softmax")])
model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[:1400], y[:1400], batch_size=50, epochs=10, verbose=0)
activity = keras.Model(model.inputs, hidden.output).predict(x[1400:], verbose=0)
print("silent units:", np.mean((activity == 0).all(axis=0)))
print("accuracy:", model.evaluate(x[1400:], y[1400:], verbose=0)[1])
