"""Rare positives, and a focal loss written by hand."""

import keras
from keras import layers, ops
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score

keras.utils.set_random_seed(0)
x, y = make_classification(
    3500, n_features=16, n_informative=6, weights=[0.94], class_sep=1.3, flip_y=0.01, random_state=8
)


def focal_loss(alpha=0.25, gamma=2.0):
    def loss(y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        p = ops.clip(y_pred, 1e-6, 1 - 1e-6)
        positive = -alpha * y_true * (1 - p) ** gamma * ops.log(p)
        negative = -(1 - alpha) * (1 - y_true) * p**gamma * ops.log(1 - p)
        return ops.mean(positive + negative, axis=-1)

    return loss


model = keras.Sequential(
    [
        keras.Input((16,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(1, activation="sigmoid", bias_initializer=keras.initializers.Constant(-2.0)),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=focal_loss())
model.fit(x[:2500], y[:2500, None], batch_size=64, epochs=12, verbose=0)
print("share of positives", y[2500:].mean())
print("average precision", average_precision_score(y[2500:], model.predict(x[2500:], verbose=0)))
