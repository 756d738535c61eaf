import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
x, y = load_digits(return_X_y=True)
model = keras.Sequential([layers.Rescaling(1 / 16), layers.Dense(64, activation="relu"), layers.Dense(10)])
model.compile(
    optimizer=keras.optimizers.Adam(0.003),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x[:1500], y[:1500], batch_size=50, epochs=1, verbose=2)
print("accuracy after one epoch", model.evaluate(x[1500:], y[1500:], verbose=0)[1])
