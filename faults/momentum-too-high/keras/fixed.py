import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(3)
images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1).astype("float32") / 16

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(12, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(48, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.1, momentum=0.9),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(images[:1400], labels[:1400], epochs=6, batch_size=35, verbose=0)
print("test accuracy", model.evaluate(images[1400:], labels[1400:], verbose=0)[1])
