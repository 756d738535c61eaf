import keras
import numpy as np
from keras import layers, regularizers

keras.utils.set_random_seed(11)
rng = np.random.default_rng(11)

N_USERS, N_ITEMS, RANK, N_RATINGS = 120, 100, 3, 7000

# users x movies: taste factors, a bias for each user and movie, some noise
p = rng.normal(0, 0.75, (N_USERS, RANK))
q = rng.normal(0, 0.75, (N_ITEMS, RANK))
bu = rng.normal(0, 0.3, N_USERS)
bi = rng.normal(0, 0.3, N_ITEMS)
cells = rng.choice(N_USERS * N_ITEMS, N_RATINGS, replace=False)
user, item = cells // N_ITEMS, cells % N_ITEMS
score = 3.2 + bu[user] + bi[item] + (p[user] * q[item]).sum(1)
rating = np.clip(score + rng.normal(0, 0.25, N_RATINGS), 1, 5).astype("float32")

cut = int(0.85 * N_RATINGS)
mean_rating = rating[:cut].mean()
target = rating - mean_rating


def embedding(n, dim, name):
    return layers.Embedding(
        n,
        dim,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
        embeddings_regularizer=regularizers.l2(1e-5),
        name=name,
    )


user_in = keras.Input((), dtype="int32", name="user")
item_in = keras.Input((), dtype="int32", name="item")
dot = layers.Dot(axes=1)([embedding(N_USERS, 4, "user_vec")(user_in), embedding(N_ITEMS, 4, "item_vec")(item_in)])
user_bias = embedding(N_USERS, 1, "user_bias")(user_in)
item_bias = embedding(N_ITEMS, 1, "item_bias")(item_in)
out = layers.Add()([dot, user_bias, item_bias])
model = keras.Model([user_in, item_in], out)

model.compile(
    optimizer=keras.optimizers.Adam(8e-3),
    loss="mse",
    metrics=[keras.metrics.RootMeanSquaredError(name="rmse")],
)
model.fit(
    [user[:cut], item[:cut]],
    target[:cut],
    batch_size=64,
    epochs=18,
    validation_data=([user[cut:], item[cut:]], target[cut:]),
    verbose=2,
)

pred = model.predict([user[cut:], item[cut:]], verbose=0)[:, 0] + mean_rating
rmse = float(np.sqrt(np.mean((pred - rating[cut:]) ** 2)))
print("std of the test ratings:", rating[cut:].std())
print(f"test error: {rmse:.4f}")
