import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(29)

digits = load_digits()
x = digits.images.astype("float32")[..., None]
x_train, x_test, y_train, y_test = train_test_split(x, digits.target, test_size=0.25, random_state=29)

BN_MOMENTUM = 0.9


def conv_bn(t, filters, stride=1):
    t = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(t)
    t = layers.BatchNormalization(momentum=BN_MOMENTUM)(t)
    return layers.ReLU()(t)


image = keras.Input((8, 8, 1))
t = conv_bn(image, 16)
t = conv_bn(t, 32, stride=2)
t = layers.GlobalAveragePooling2D()(t)
probs = layers.Dense(10, activation="softmax")(t)
model = keras.Model(image, probs)

model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=10, validation_data=(x_test, y_test), verbose=2)
print(f"test accuracy: {model.evaluate(x_test, y_test, verbose=0)[1]:.3f}")
