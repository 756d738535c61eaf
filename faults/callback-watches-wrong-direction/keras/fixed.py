import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(55)

X, y = load_digits(return_X_y=True)
X = (X.reshape(-1, 8, 8) / 16.0).astype("float32")
y = keras.utils.to_categorical(y, 10)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=55)

model = keras.Sequential(name="row_gru")
model.add(keras.Input((8, 8)))
model.add(layers.GRU(48, return_sequences=True))
model.add(layers.GRU(32))
model.add(layers.Dropout(0.1))
model.add(layers.Dense(10, activation="softmax"))
model.compile(
    loss="categorical_crossentropy",
    optimizer=keras.optimizers.Adam(learning_rate=1.5e-3),
    metrics=["accuracy"],
)

callbacks = [
    keras.callbacks.EarlyStopping(
        monitor="val_accuracy",
        mode="max",
        patience=2,
        restore_best_weights=True,
        verbose=1,
    ),
    keras.callbacks.TerminateOnNaN(),
]

history = model.fit(
    X_train,
    y_train,
    validation_split=0.15,
    epochs=18,
    batch_size=32,
    callbacks=callbacks,
    verbose=2,
)
print("epochs run:", len(history.epoch))

loss, acc = model.evaluate(X_test, y_test, verbose=0)
print("test loss", round(loss, 4))
print(f"test accuracy {acc:.4f}")
