import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(8)

data = load_wine()
X_train, X_test, y_train, y_test = train_test_split(
    data.data.astype("float32"),
    data.target.astype("int32"),
    test_size=0.3,
    stratify=data.target,
    random_state=8,
)

inputs = keras.Input((X_train.shape[1],))
# standardises the chemical measurements, which have very different ranges
h = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(inputs)
h = layers.Dense(24, activation="relu")(h)
h = layers.Dense(12, activation="relu")(h)
outputs = layers.Dense(3, activation="softmax")(h)
model = keras.Model(inputs, outputs)

model.compile(
    optimizer=keras.optimizers.Adam(5e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(
    X_train,
    y_train,
    batch_size=31,
    epochs=40,
    validation_data=(X_test, y_test),
    verbose=2,
)
_, acc = model.evaluate(X_test, y_test, verbose=0)
print(f"test accuracy: {acc:.4f}")
