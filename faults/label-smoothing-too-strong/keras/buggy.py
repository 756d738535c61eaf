import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

keras.utils.set_random_seed(12)
x, y = make_classification(
    n_samples=2000, n_features=15, n_informative=10, n_classes=5, n_clusters_per_class=1, random_state=12
)
y_train = keras.utils.to_categorical(y[:1600])

inputs = keras.Input((15,))
h = layers.Dense(40)(inputs)
h = layers.BatchNormalization()(h)
h = layers.ReLU()(h)
outputs = layers.Dense(5, activation="softmax")(h)
model = keras.Model(inputs, outputs)

loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.9)
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=loss)
model.fit(x[:1600], y_train, batch_size=40, epochs=10, verbose=0)

predicted = model.predict(x[1600:], verbose=0).astype(np.float64)
print("accuracy:", (predicted.argmax(axis=1) == y[1600:]).mean())
print("test log loss:", log_loss(y[1600:], predicted / predicted.sum(axis=1, keepdims=True)))
