"""Is a tumor benign? The doctors want probabilities, not only a verdict."""

import keras
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

keras.utils.set_random_seed(4)
data = load_breast_cancer()
x_train, x_test, y_train, y_test = train_test_split(scale(data.data), data.target, test_size=0.3, random_state=4)

model = keras.Sequential()
model.add(keras.layers.Input((30,)))
model.add(keras.layers.Dense(16, activation="relu"))
model.add(keras.layers.Dense(8, activation="relu"))
model.add(keras.layers.Dense(1))
model.compile(
    optimizer="rmsprop",
    loss=keras.losses.BinaryCrossentropy(
        from_logits=True,
        label_smoothing=0.05,
    ),
)
model.fit(x_train, y_train[:, None], epochs=25, batch_size=20, verbose=0)

benign = keras.ops.sigmoid(model.predict(x_test, verbose=0))
print("Brier score:", brier_score_loss(y_test, keras.ops.convert_to_numpy(benign)[:, 0]))
