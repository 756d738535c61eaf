import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
digits = load_digits()
x = digits.images[..., None] / 16
y = keras.utils.to_categorical(digits.target)
model = keras.Sequential()
model.add(keras.Input((8, 8, 1)))
model.add(layers.Conv2D(16, 3))
model.add(layers.BatchNormalization())
model.add(layers.Activation("relu"))
model.add(layers.Flatten())
model.add(layers.Dropout(0.3))
model.add(layers.Dense(10, activation="softmax"))
model.compile(
    optimizer=keras.optimizers.AdamW(0.003, weight_decay=0.01),
    loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    metrics=["accuracy"],
)
model.fit(x[:1400], y[:1400], epochs=6, batch_size=50, verbose=2)
print("accuracy", model.evaluate(x[1400:], y[1400:], verbose=0)[1])
