import keras
from keras import layers
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(0)
X, progression = load_diabetes(return_X_y=True)
X = StandardScaler().fit_transform(X)
y = progression.reshape(-1, 1)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=2)

model = keras.Sequential()
model.add(layers.Input((10,)))
model.add(layers.Dense(24, activation="relu"))
model.add(layers.Dense(12, activation="relu"))
model.add(layers.Dense(1))
model.compile(loss="mse", optimizer=keras.optimizers.Adam(learning_rate=0.001))
model.fit(X_train, y_train, epochs=25, batch_size=32, verbose=0)
print("test R2", r2_score(y_test, model.predict(X_test, verbose=0)))
