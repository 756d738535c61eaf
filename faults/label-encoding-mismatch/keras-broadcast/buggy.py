import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(9)
data, target = load_wine(return_X_y=True)
data = StandardScaler().fit_transform(data)
labels = target.reshape(-1, 1).astype("float32")
x_train, x_test, y_train, y_test, _, target_test = train_test_split(data, labels, target, random_state=9)

model = keras.Sequential(
    [
        layers.Dense(16, activation="relu"),
        layers.Dense(3, activation="softmax"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
model.fit(x_train, y_train, epochs=20, batch_size=16, verbose=0)
print("accuracy", np.mean(model.predict(x_test, verbose=0).argmax(1) == target_test))
