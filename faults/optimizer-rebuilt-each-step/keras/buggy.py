import keras
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(1)
x, y = load_wine(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.4, stratify=y, random_state=1)
scaler = StandardScaler().fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

model = keras.Sequential(
    [
        keras.layers.Input(shape=(13,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(3, activation="softmax"),
    ]
)
sgd = {"learning_rate": 0.01, "momentum": 0.9, "nesterov": True}
settings = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], "run_eagerly": True}
for round in range(25):
    model.compile(keras.optimizers.SGD(**sgd), **settings)
    history = model.fit(x_train, y_train, batch_size=len(x_train), verbose=0)
    print(round, history.history["loss"][0])

loss, accuracy = model.evaluate(x_test, y_test, batch_size=len(x_test), verbose=0)
print("accuracy", accuracy, "loss", loss)
