import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(0)
X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y.reshape(-1, 1), test_size=0.2, random_state=1)
x_scaler, y_scaler = StandardScaler(), StandardScaler()
X_train, X_test = x_scaler.fit_transform(X_train), x_scaler.transform(X_test)
y_train = y_scaler.fit_transform(y_train)

model = keras.Sequential()
model.add(layers.Input((10,)))
model.add(layers.Dense(16, activation="relu"))
model.add(layers.Dense(1))
model.compile(optimizer="adam", loss="binary_crossentropy")
model.fit(X_train, y_train, epochs=40, batch_size=16, verbose=0)

prediction = y_scaler.inverse_transform(model.predict(X_test, verbose=0))
print("mean error of the constant guess:", np.abs(y_test - y.mean()).mean())
print("mean error:", np.abs(y_test - prediction).mean())
