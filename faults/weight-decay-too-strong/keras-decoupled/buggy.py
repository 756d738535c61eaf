import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(7)
rng = np.random.default_rng(7)


def waves(count):
    """Noisy waves of three kinds."""
    kind = rng.integers(0, 3, count)
    t = np.linspace(0, 1, 40)[None] * rng.uniform(2, 4, (count, 1)) + rng.uniform(0, 1, (count, 1))
    shapes = np.stack([np.sin(2 * np.pi * t), np.sign(np.sin(2 * np.pi * t)), 2 * (t % 1) - 1])
    signal = shapes[kind, np.arange(count)] + 0.2 * rng.normal(size=(count, 40))
    return signal[..., None].astype("float32"), kind


x_train, y_train = waves(1500)
x_test, y_test = waves(500)

inputs = keras.Input((40, 1))
x = layers.Conv1D(16, 5, activation="relu")(inputs)
x = layers.MaxPooling1D(2)(x)
x = layers.Conv1D(32, 5, activation="relu")(x)
x = layers.GlobalAveragePooling1D()(x)
outputs = layers.Dense(3, activation="softmax")(x)
model = keras.Model(inputs, outputs)

optimizer = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=1.0)
model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=50, epochs=10, validation_data=(x_test, y_test), verbose=0)
print("validation accuracy", history.history["val_accuracy"][-1])
