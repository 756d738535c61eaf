import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(5)
EPOCHS, BATCH_SIZE = 30, 16

X, y = load_breast_cancer(return_X_y=True)
# only the ten means, which is what a doctor reads off
X = np.asarray(X[:, :10], dtype="float32")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=5)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)

model = keras.Sequential(
    [
        keras.Input((10,)),
        layers.Dense(16, activation="relu"),
        layers.Dense(8, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
decay = keras.optimizers.schedules.CosineDecay(
    initial_learning_rate=1e-3,
    decay_steps=EPOCHS,
)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=decay), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, validation_split=0.15, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=2)
loss, accuracy = model.evaluate(X_test, y_test, verbose=0)
print(f"test accuracy {accuracy:.3f}, test loss {loss:.4f}")
