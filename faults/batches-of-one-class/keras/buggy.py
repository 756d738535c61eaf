import keras
import numpy as np
from keras import layers

# What is a person doing? Three axes of an accelerometer; one recording after the other was cut into windows.
keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)
activities = ["standing", "walking", "running", "cycling", "stairs"]
pace, strength, tilt = [0.0, 1.8, 2.9, 1.2, 1.6], [0.05, 0.6, 1.3, 0.5, 0.7], [0.9, 0.9, 0.8, 0.6, 0.85]


def windows(activity, count):
    t = np.arange(50) / 25
    speed = pace[activity] * rng.normal(1, 0.08, (count, 1, 1))
    swing = np.sin(2 * np.pi * (speed * t[None, :, None] + rng.random((count, 1, 3))))
    return tilt[activity] + strength[activity] * swing + rng.normal(0, 0.35, (count, 50, 3))


x_train = np.concatenate([windows(each, 400) for each in range(5)]).astype("float32")
y_train = np.repeat(np.arange(5), 400)
x_test = np.concatenate([windows(each, 80) for each in range(5)]).astype("float32")
y_test = np.repeat(np.arange(5), 80)

model = keras.Sequential(
    [
        layers.Input((50, 3)),
        layers.Conv1D(24, 7, activation="relu"),
        layers.MaxPooling1D(2),
        layers.Conv1D(24, 5, activation="relu"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(len(activities), activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.005), loss=keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"]
)
model.fit(x_train, y_train, batch_size=40, epochs=8, shuffle=False, verbose=2)
print("test accuracy:", model.evaluate(x_test, y_test, verbose=0)[1])
