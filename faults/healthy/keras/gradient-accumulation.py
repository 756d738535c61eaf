import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
x, y = load_digits(return_X_y=True)
x = x / 16
model = keras.Sequential(
    [keras.Input((64,)), layers.Dense(64, activation="gelu"), layers.Dense(10, activation="softmax")]
)
optimizer = keras.optimizers.AdamW(learning_rate=0.01, gradient_accumulation_steps=4)
model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[:1400], y[:1400], batch_size=16, epochs=5, verbose=2)
print("accuracy", model.evaluate(x[1400:], y[1400:], verbose=0)[1])
