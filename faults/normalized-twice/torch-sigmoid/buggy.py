# credit default, about one customer in eight
import numpy as np
import torch
from torch import nn

rng = np.random.RandomState(2)
torch.manual_seed(2)

n = 4000
X = rng.randn(n, 10).astype("float32")
risk = 1.6 * X[:, 0] - 1.2 * X[:, 1] + X[:, 2] * X[:, 3] - 3.0
y = (rng.rand(n) < 1 / (1 + np.exp(-2 * risk))).astype("float32")
X, y = torch.from_numpy(X), torch.from_numpy(y)
X_train, y_train, X_test, y_test = X[:3000], y[:3000], X[3000:], y[3000:]


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.input = nn.Linear(10, 24)
        self.middle = nn.Linear(24, 12)
        self.output = nn.Linear(12, 1)

    def forward(self, x):
        x = torch.relu(self.input(x))
        x = torch.relu(self.middle(x))
        return torch.sigmoid(self.output(x)).flatten()


scorer = Scorer()
bce = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(scorer.parameters(), lr=0.1)

for epoch in range(12):
    for i in range(0, 3000, 50):
        loss = bce(scorer(X_train[i : i + 50]), y_train[i : i + 50])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", round(loss.item(), 3))

with torch.no_grad():
    print("test loss", bce(scorer(X_test), y_test).item())
