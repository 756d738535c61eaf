import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class Regressor(nn.Module):
    def __init__(self, n_in, width=256, p=0.5):
        super().__init__()
        self.p = p
        self.fc1 = nn.Linear(n_in, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 1)

    def forward(self, x):
        h1 = F.relu(self.fc1(x))
        h1 = F.dropout(h1, p=self.p, training=self.training)
        h2 = F.relu(self.fc2(h1))
        h2 = F.dropout(h2, p=self.p, training=self.training)
        return self.fc3(h2).squeeze(1)


def get_data(seed=0, n=3000):
    rng = np.random.RandomState(seed)
    X = rng.randn(n, 12).astype(np.float32)
    w = rng.randn(12)
    y = X @ w + 0.5 * X[:, 0] * X[:, 1] + 0.1 * rng.randn(n) + 20.0
    return torch.from_numpy(X), torch.tensor(y, dtype=torch.float32)


def evaluate(model, X, y):
    model.eval()
    with torch.no_grad():
        res = y - model(X)
    return 1 - (res.pow(2).sum() / (y - y.mean()).pow(2).sum()).item()


def main():
    torch.manual_seed(6)
    X, y = get_data()
    train_set = TensorDataset(X[:2400], y[:2400])
    loader = DataLoader(train_set, batch_size=64, shuffle=True)
    model = Regressor(12)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.MSELoss()
    for epoch in range(40):
        model.train()
        s = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            opt.step()
            s += loss.item() * len(xb)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} train mse {s / len(train_set):.3f}")
    print(f"test r2: {evaluate(model, X[2400:], y[2400:]):.3f}")


main()
