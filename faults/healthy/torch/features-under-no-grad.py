"""Few labels: an autoencoder learns from all images, then a head is fitted on its codes, which stay as they are."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(1)
digits = load_digits()
order = torch.randperm(len(digits.target))
x = torch.tensor(digits.data / 16, dtype=torch.float32)[order]
y = torch.tensor(digits.target)[order]
labeled, test = slice(0, 300), slice(1400, None)


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 24), nn.ReLU())
        self.decoder = nn.Linear(24, 64)
        self.head = nn.Linear(24, 10)

    def forward(self, x):
        with torch.no_grad():
            code = self.encoder(x)
        return self.head(code)

    def restore(self, x):
        return torch.sigmoid(self.decoder(self.encoder(x)))


net = Digits()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(20):
    for rows in torch.randperm(1400).split(50):
        loss = F.mse_loss(net.restore(x[rows]), x[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(f"restored with a squared error of {loss.item():.4f}")

optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(40):
    for rows in torch.randperm(300).split(50):
        loss = F.cross_entropy(net(x[labeled][rows]), y[labeled][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    right = (net(x[test]).argmax(1) == y[test]).float().mean().item()
print(f"test accuracy with 300 labels: {right:.3f}")
