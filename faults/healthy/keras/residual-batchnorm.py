import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)


def residual_block(x, filters):
    shortcut = x
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Activation("relu")(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9, gamma_initializer="zeros")(x)
    x = layers.Add()([shortcut, x])
    return layers.ReLU()(x)


inputs = keras.Input((8, 8, 1))
x = layers.Conv2D(12, 3, padding="same", use_bias=False)(inputs)
x = layers.BatchNormalization(momentum=0.9)(x)
x = layers.ReLU()(x)
for _ in range(2):
    x = residual_block(x, 12)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(10, activation="softmax")(x))
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])

digits = load_digits()
images = digits.images[..., None] / 16
model.fit(images[:1400], digits.target[:1400], batch_size=50, epochs=6, verbose=2)
print("accuracy", model.evaluate(images[1400:], digits.target[1400:], verbose=0)[1])
