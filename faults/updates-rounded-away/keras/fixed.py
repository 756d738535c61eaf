import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(1)
keras.config.set_dtype_policy("mixed_bfloat16")

images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1) / 16

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(24, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(48, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=3e-5),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(images[:1400], labels[:1400], epochs=8, batch_size=20, verbose=0)
print("test accuracy", model.evaluate(images[1400:], labels[1400:], verbose=0)[1])
