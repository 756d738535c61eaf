import keras
import numpy as np
import torch
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(7)

digits = load_digits()
X = (digits.images / 16.0).astype("float32")[..., None]
y = keras.utils.to_categorical(digits.target, 10)
X_tr, X_va, y_tr, y_va = train_test_split(X, y, test_size=0.2, random_state=7, stratify=digits.target)


class MixupClassifier(keras.Model):
    """Image classifier with input mixup done in the training step."""

    def __init__(self, num_classes=10, alpha=0.1):
        super().__init__()
        self.alpha = alpha
        self.num_classes = num_classes
        self.conv1 = layers.Conv2D(16, 3, activation="relu", padding="same")
        self.pool = layers.MaxPooling2D()
        self.conv2 = layers.Conv2D(32, 3, activation="relu", padding="same")
        self.flat = layers.Flatten()
        self.fc = layers.Dense(64, activation="relu")
        self.out = layers.Dense(num_classes)
        self.acc = keras.metrics.CategoricalAccuracy(name="acc")
        self.loss_tracker = keras.metrics.Mean(name="loss")

    def call(self, x, training=None):
        x = self.pool(self.conv1(x))
        x = self.pool(self.conv2(x))
        return self.out(self.fc(self.flat(x)))

    @property
    def metrics(self):
        return [self.loss_tracker, self.acc]

    def train_step(self, data):
        x, y = data
        lam = float(np.random.beta(self.alpha, self.alpha))
        perm = torch.randperm(x.shape[0])
        x_mix = lam * x + (1 - lam) * x[perm]
        y_mix = lam * y + (1 - lam) * y[perm]

        y_pred = self(x_mix, training=True)
        loss = self.compute_loss(x=x_mix, y=y_mix, y_pred=y_pred)
        self.zero_grad()
        loss.backward()

        trainable = list(self.trainable_weights)
        grads = [v.value.grad for v in trainable]
        with torch.no_grad():
            self.optimizer.apply(grads, trainable)

        self.loss_tracker.update_state(loss)
        self.acc.update_state(y_mix, y_pred)
        return {m.name: m.result() for m in self.metrics}


model = MixupClassifier()
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9),
    loss=keras.losses.CategoricalCrossentropy(from_logits=True),
)
model.fit(X_tr, y_tr, batch_size=32, epochs=12, verbose=2)

logits = model.predict(X_va, verbose=0)
print(f"RESULT {(logits.argmax(-1) == y_va.argmax(-1)).mean():.4f}")
