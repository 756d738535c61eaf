import numpy as np
from keras.layers import Dense, Dropout, Input
from keras.models import Sequential
from keras.utils import set_random_seed

set_random_seed(7)

# will the customer leave?
n = 2000
months = np.random.gamma(2, 12, n)
calls = np.random.poisson(1.5, n)
bill = np.random.normal(60, 20, n)
contract = np.random.randint(0, 2, n)
score = 1.2 * calls - 0.09 * months + 0.03 * (bill - 60) - 2.0 * contract + 1.5
churn = (np.random.rand(n) < 1 / (1 + np.exp(-2 * score))).astype(int)
X = np.column_stack([months / 24 - 1, calls / 2 - 1, (bill - 60) / 20, contract])

model = Sequential()
model.add(Input((4,)))
model.add(Dense(32, activation="relu"))
model.add(Dropout(0.1))
model.add(Dense(16, activation="relu"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X[:1600], churn[:1600], epochs=8, batch_size=40, verbose=2)
_, accuracy = model.evaluate(X[1600:], churn[1600:], verbose=0)
print("customers leaving: %.2f" % churn.mean())
print("accuracy: %.3f" % accuracy)
