import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(5)

BATCH = 32


def read_folders(images, labels):
    """Collect the samples folder by folder, as os.listdir would give them."""
    xs, ys = [], []
    for folder in range(10):
        members = images[labels == folder]
        xs.append(members)
        ys.append(np.full(len(members), folder, dtype="int32"))
    return np.concatenate(xs), np.concatenate(ys)


digits = load_digits()
imgs = (digits.images.astype("float32") / 16.0)[..., None]
tr_x, te_x, tr_y, te_y = train_test_split(imgs, digits.target, test_size=0.2, random_state=5)
tr_x, tr_y = read_folders(tr_x, tr_y)
te_x, te_y = read_folders(te_x, te_y)

train_ds = tf.data.Dataset.from_tensor_slices((tr_x, tr_y))
train_ds = train_ds.shuffle(BATCH).batch(BATCH).prefetch(2)
test_ds = tf.data.Dataset.from_tensor_slices((te_x, te_y)).batch(64)

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(24, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Conv2D(48, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(3e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(train_ds, epochs=12, validation_data=test_ds, verbose=2)
print(f"test accuracy: {model.evaluate(test_ds, verbose=0)[1]:.4f}")
