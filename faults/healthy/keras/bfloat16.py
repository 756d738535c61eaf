import keras
from keras import layers
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

keras.utils.set_random_seed(0)
keras.mixed_precision.set_global_policy("mixed_bfloat16")
X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(scale(X), y, random_state=0)
model = keras.Sequential(
    [
        keras.Input((13,)),
        layers.Dense(48, activation="relu"),
        layers.Dense(3),
        layers.Activation("softmax", dtype="float32"),
    ]
)
model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X_train, y_train, epochs=15, batch_size=16, verbose=0)
print("accuracy", model.evaluate(X_test, y_test, verbose=0)[1])
