import numpy as np
from keras import layers, models, utils

utils.set_random_seed(4)

# fit a bumpy curve
x = np.random.uniform(-3, 3, size=(1600, 1))
y = np.sin(2 * x) + 0.3 * x + np.random.normal(0, 0.05, size=x.shape)

x = x - x.mean(axis=0, keepdims=True)
x_train, y_train, x_val, y_val = x[:1200], y[:1200], x[1200:], y[1200:]

model = models.Sequential(
    [
        layers.Input(shape=(1,)),
        layers.Dense(64, activation="tanh"),
        layers.Dense(64, activation="tanh"),
        layers.Dense(1),
    ]
)
model.compile("adam", "mean_squared_error")
model.optimizer.learning_rate = 0.01
history = model.fit(x_train, y_train, validation_data=(x_val, y_val), epochs=10, batch_size=40, verbose=0)

for epoch, loss in enumerate(history.history["val_loss"]):
    print(epoch + 1, loss)
