import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(3)
X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8, 1) / 16
permutation = np.random.permutation(len(X))
X, y = X[permutation], y[permutation]

model = keras.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Conv2D(12, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.003), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(X, y, validation_split=0.2, batch_size=48, epochs=8, verbose=2)
print("validation accuracy:", history.history["val_accuracy"][-1])
