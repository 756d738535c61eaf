import keras
import numpy as np
from keras import layers
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(2)
keras.utils.set_random_seed(2)
n = 6000
sick = rng.random(n) < 0.03
x = rng.normal(size=(n, 8))
x[sick, :3] += 1.8
model = keras.Sequential(
    [keras.Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(1, activation="sigmoid")]
)
model.compile(keras.optimizers.Adam(0.002), "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:4500], sick[:4500].astype(int), batch_size=64, epochs=5, verbose=2)
score = model.predict(x[4500:], verbose=0)[:, 0]
print("area under the ROC curve:", roc_auc_score(sick[4500:], score))
