import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_iris

keras.utils.set_random_seed(0)
iris = load_iris()
species = {"setosa": 1, "versicolor": 2, "virginica": 3}
labels = np.array([species[iris.target_names[t]] for t in iris.target])
order = np.random.permutation(150)
x = iris.data[order]
y = labels[order] - 1

model = keras.Sequential([layers.Normalization(), layers.Dense(16, activation="relu"), layers.Dense(3)])
model.layers[0].adapt(x[:100])
model.compile(
    optimizer=keras.optimizers.Adam(0.02),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
model.fit(x[:100], y[:100], epochs=20, batch_size=10, verbose=0)
predicted = model.predict(x[100:], verbose=0).argmax(axis=1)
print("accuracy", np.mean(predicted == iris.target[order][100:]))
