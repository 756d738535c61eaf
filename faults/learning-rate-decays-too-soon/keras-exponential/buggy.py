import keras
import numpy as np
from keras import layers
from keras.optimizers.schedules import ExponentialDecay
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1).astype("float32") / 16

schedule = ExponentialDecay(initial_learning_rate=0.05, decay_steps=1, decay_rate=0.8)
model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(10),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(schedule, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(images[:1400], labels[:1400], epochs=8, batch_size=56, verbose=0)
print("test accuracy", model.evaluate(images[1400:], labels[1400:], verbose=0)[1])
