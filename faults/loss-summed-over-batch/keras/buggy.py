import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(10)
pixels, digits = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(pixels / 16.0, digits, random_state=10)

model = keras.Sequential(
    [
        layers.Input((64,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(10),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(0.1),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"),
    metrics=["accuracy"],
)
model.fit(x_train, y_train, batch_size=64, epochs=20, verbose=2)
print("test accuracy:", model.evaluate(x_test, y_test, verbose=0)[1])
