import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
x, y = load_digits(return_X_y=True)
x = x / 16
ink = x.mean(axis=1, keepdims=True)

inputs = keras.Input((64,), name="image")
body = layers.Dense(64, activation="relu")(inputs)
digit = layers.Dense(10, activation="softmax", name="digit")(body)
amount = layers.Dense(1, name="ink")(body)
model = keras.Model(inputs, {"digit": digit, "ink": amount})
model.compile(
    optimizer="adam",
    loss={"digit": "sparse_categorical_crossentropy", "ink": "mse"},
    loss_weights={"digit": 1.0, "ink": 5.0},
    metrics={"digit": "accuracy"},
)
model.fit(x[:1400], {"digit": y[:1400], "ink": ink[:1400]}, epochs=8, batch_size=40, verbose=0)
result = model.evaluate(x[1400:], {"digit": y[1400:], "ink": ink[1400:]}, verbose=0, return_dict=True)
print("digit accuracy", result["digit_accuracy"])
