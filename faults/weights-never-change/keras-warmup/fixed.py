import keras
from keras import layers
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(2)
X, y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=2)

EPOCHS, WARMUP = 20, 20


def warm_up(epoch, lr):
    return 0.05 * ((epoch + 1) / (WARMUP + 1))


model = keras.Sequential(
    [
        layers.Input((13,)),
        layers.Dense(16, activation="relu"),
        layers.Dense(3, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(momentum=0.9), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
)
model.fit(
    X_train,
    y_train,
    epochs=EPOCHS,
    batch_size=12,
    verbose=0,
    callbacks=[keras.callbacks.LearningRateScheduler(warm_up)],
)
print("accuracy", model.evaluate(X_test, y_test, verbose=0)[1])
