import keras
from sklearn.datasets import make_friedman1
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(3)
x, y = make_friedman1(2000, n_features=5, noise=0.5, random_state=3)
x = StandardScaler().fit_transform(x)
y = (y - y.mean()) / y.std()
x_train, y_train, x_test, y_test = x[:1600], y[:1600], x[1600:], y[1600:]


class Regressor(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(48)
        self.second = keras.layers.Dense(48)
        self.last = keras.layers.Dense(1)

    def call(self, inputs):
        h = keras.ops.tanh(self.first(inputs))
        h = keras.ops.tanh(self.second(h))
        return self.last(h)


model = Regressor()
model.compile(optimizer=keras.optimizers.Adam(0.003), loss="mse")
model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=20, batch_size=32, verbose=2)
print("test loss", model.evaluate(x_test, y_test, verbose=0))
