import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)

X, digit = load_digits(return_X_y=True)
X, digit = torch.tensor(X, dtype=torch.float32) / 16, torch.tensor(digit)
odd = (digit % 2).float()
labeled, test = slice(1000, 1100), slice(1100, None)

path = Path(tempfile.mkdtemp()) / "encoder.pt"


def encoder():
    return nn.Sequential(nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 8), nn.Tanh())


# 1. learn to tell ten digits
net = nn.Sequential(encoder(), nn.Linear(8, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(15):
    for images, labels in DataLoader(TensorDataset(X[:1000], digit[:1000]), batch_size=50, shuffle=True):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
torch.save(net[0].state_dict(), path)


# 2. odd or even, by a linear classifier on that code, from 100 examples
class OddOrEven(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = encoder()
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        with torch.no_grad():
            h = self.encoder(x)
        return self.head(h).squeeze(1)


model = OddOrEven()
model.encoder.load_state_dict(torch.load(path))
optimizer = torch.optim.Adam(model.head.parameters(), lr=0.02)
for step in range(300):
    optimizer.zero_grad()
    loss = nn.functional.binary_cross_entropy_with_logits(model(X[labeled]), odd[labeled])
    loss.backward()
    optimizer.step()

with torch.no_grad():
    print("test accuracy:", ((model(X[test]) > 0) == (odd[test] > 0)).float().mean().item())
