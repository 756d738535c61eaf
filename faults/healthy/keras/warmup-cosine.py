import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(0)
x, y = load_digits(return_X_y=True)
x = x / 16
steps = 6 * (1400 // 28)
schedule = keras.optimizers.schedules.CosineDecay(
    initial_learning_rate=0.0, decay_steps=steps - 40, warmup_target=0.1, warmup_steps=40
)
model = keras.Sequential([layers.Dense(64, activation="silu"), layers.Dense(64, activation="silu"), layers.Dense(10)])
model.compile(
    optimizer=keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x[:1400], y[:1400], batch_size=28, epochs=6, verbose=0)
print("accuracy", model.evaluate(x[1400:], y[1400:], verbose=0)[1])
