import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(3)
users, movies = 100, 70
truth = np.random.normal(size=(users, 3)) @ np.random.normal(size=(3, movies)) / np.sqrt(3)
seen = np.argwhere(np.random.random((users, movies)) < 0.4)
np.random.shuffle(seen)
stars = 3.5 + truth[seen[:, 0], seen[:, 1]] + 0.3 * np.random.normal(size=len(seen))

decay = keras.regularizers.L2(1e-6)
user, movie = keras.Input((), dtype="int32", name="user"), keras.Input((), dtype="int32", name="movie")
u = layers.Embedding(users, 6, embeddings_regularizer=decay)(user)
m = layers.Embedding(movies, 6, embeddings_regularizer=decay)(movie)
dot = layers.Dot(axes=1)([u, m])
bias = layers.Add()([layers.Embedding(users, 1)(user), layers.Embedding(movies, 1)(movie)])
rating = layers.Rescaling(1.0, offset=3.5)(layers.Add()([dot, bias]))
model = keras.Model([user, movie], rating)
model.compile(keras.optimizers.Adam(0.02), "mse", metrics=[keras.metrics.RootMeanSquaredError(name="rmse")])
n = 2200
model.fit([seen[:n, 0], seen[:n, 1]], stars[:n], batch_size=64, epochs=20, verbose=0)
rmse = model.evaluate([seen[n:, 0], seen[n:, 1]], stars[n:], verbose=0)[1]
print(f"standard deviation of the ratings {stars[n:].std():.3f}, test RMSE {rmse:.4f}")
