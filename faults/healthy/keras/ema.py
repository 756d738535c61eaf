import keras
from keras import layers
from sklearn.datasets import make_moons

keras.utils.set_random_seed(0)
x, y = make_moons(1600, noise=0.2, random_state=0)
model = keras.Sequential(
    [
        keras.Input((2,)),
        layers.Dense(32, activation="relu"),
        layers.Dense(32, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
optimizer = keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.95)
model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:1300], y[:1300], batch_size=40, epochs=10, verbose=0)
optimizer.finalize_variable_values(model.trainable_variables)
print("accuracy", model.evaluate(x[1300:], y[1300:], verbose=0)[1])
