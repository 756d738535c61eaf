"""Four kinds of blobs, told apart by a subclassed model."""

import keras
import numpy as np
from keras import ops
from sklearn.datasets import make_blobs

keras.utils.set_random_seed(2)
points, kinds = make_blobs(n_samples=900, centers=4, n_features=5, cluster_std=3.0, random_state=2)
points = (points / 10).astype("float32")
labels = keras.utils.to_categorical(kinds, 4)


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(32, activation="tanh")
        self.scores = keras.layers.Dense(4)

    def call(self, inputs):
        return ops.softmax(self.scores(self.hidden(inputs)), axis=0)


model = Classifier()
model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(points[:700], labels[:700], batch_size=35, epochs=10, verbose=2)

probabilities = model.predict(points[700:], batch_size=200, verbose=0)
right = np.take_along_axis(probabilities, kinds[700:, None], axis=1)
print("mean probability of the right kind:", float(right.mean()))
