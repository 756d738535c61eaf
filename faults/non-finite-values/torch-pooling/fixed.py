import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import TensorDataset, DataLoader


def sensor_bags(n, seed, n_inst=20, dim=6):
    """multiple-instance data: a bag is positive when one instance is anomalous"""
    rng = np.random.RandomState(seed)
    x = rng.randn(n, n_inst, dim)
    y = rng.randint(0, 2, n)
    for i in np.flatnonzero(y):
        k = rng.randint(n_inst)
        x[i, k, :3] += 4.0
    heavy = rng.rand(n) < 0.02
    x[heavy, 0, 3:] *= 800.0
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


class AttentionPool(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU())
        self.query = nn.Parameter(0.2 * torch.randn(hidden))

    def forward(self, x):
        h = self.embed(x)
        scores = h @ self.query
        w = torch.softmax(scores, dim=1)
        return (w.unsqueeze(-1) * h).sum(1), w


class MIL(nn.Module):
    def __init__(self, dim=6, hidden=32):
        super().__init__()
        self.pool = AttentionPool(dim, hidden)
        self.fc = nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, 1))

    def forward(self, x):
        z, _ = self.pool(x)
        return self.fc(z).squeeze(-1)


def fit(model, loader, epochs):
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    lossf = nn.BCEWithLogitsLoss()
    for e in range(epochs):
        s = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = lossf(model(x), y)
            loss.backward()
            opt.step()
            s += loss.item()
        print(f"epoch {e + 1:2d} bce {s / len(loader):.4f}")


torch.manual_seed(31)
train = DataLoader(sensor_bags(2000, 1), batch_size=40, shuffle=True)
test = sensor_bags(800, 2)
model = MIL()
fit(model, train, 12)
model.eval()
with torch.no_grad():
    x, y = test.tensors
    out = model(x)
    acc = ((out > 0).float() == y).float().mean().item()
print("test accuracy: %.3f" % acc)
