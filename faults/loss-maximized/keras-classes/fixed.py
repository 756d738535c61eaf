import keras
from keras import ops
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(1)
features, cultivar = load_wine(return_X_y=True)
features = StandardScaler().fit_transform(features)
x_train, x_test, y_train, y_test = train_test_split(
    features, cultivar, test_size=0.3, random_state=1, stratify=cultivar
)
y_train, y_test = keras.utils.to_categorical(y_train), keras.utils.to_categorical(y_test)


def likelihood_loss(y_true, y_pred):
    y_pred = ops.clip(y_pred, 1e-7, 1.0)
    return -ops.mean(ops.sum(y_true * ops.log(y_pred), axis=-1))


model = keras.Sequential()
model.add(keras.Input((13,)))
model.add(keras.layers.Dense(24, activation="tanh"))
model.add(keras.layers.Dropout(0.1))
model.add(keras.layers.Dense(3, activation="softmax"))
model.compile(loss=likelihood_loss, optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=40, batch_size=16, verbose=2)

print("test loss and accuracy:", model.evaluate(x_test, y_test, verbose=0)[1])
