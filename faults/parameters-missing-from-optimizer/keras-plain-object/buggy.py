import keras
import numpy as np
from keras import layers
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(12)


def make_spirals(n_per_arm=500, arms=3, noise=0.12, seed=12):
    rng = np.random.default_rng(seed)
    xs, ys = [], []
    for k in range(arms):
        t = np.sqrt(rng.random(n_per_arm)) * 2.2 * np.pi
        ang = t + 2 * np.pi * k / arms
        pts = np.stack([t * np.cos(ang), t * np.sin(ang)], axis=1)
        xs.append(pts + rng.normal(scale=noise, size=pts.shape))
        ys.append(np.full(n_per_arm, k))
    return np.concatenate(xs).astype("float32") / 4.0, np.concatenate(ys)


class Trunk:
    def __init__(self, units, depth):
        self.hidden = [layers.Dense(units, activation="relu") for _ in range(depth)]
        self.norm = layers.LayerNormalization()

    def __call__(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.norm(x)


class SpiralNet(keras.Model):
    def __init__(self, num_classes, units=24, depth=3, **kwargs):
        super().__init__(**kwargs)
        self.trunk = Trunk(units, depth)
        self.head = layers.Dense(num_classes, activation="softmax")

    def call(self, x):
        return self.head(self.trunk(x))


X, y = make_spirals()
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)

model = SpiralNet(num_classes=3)
model.compile(
    optimizer=keras.optimizers.Adam(1e-2),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(X_tr, y_tr, batch_size=64, epochs=60, validation_data=(X_te, y_te), verbose=2)
print("final train acc", history.history["accuracy"][-1])
print(f"test accuracy {model.evaluate(X_te, y_te, verbose=0)[1]:.4f}")
