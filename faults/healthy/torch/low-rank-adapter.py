"""Adapt a trained network to rotated digits with low-rank updates only."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base, rank=8):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(rank, base.in_features) / rank)
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + x @ self.a.T @ self.b.T


def fit(model, x, y, epochs, lr):
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(48):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()


torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images / 16, dtype=torch.float32)
x, rotated, y = images.flatten(1), torch.rot90(images, 1, (1, 2)).flatten(1), torch.tensor(digits.target)
model = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 10))
print("base loss", fit(model, x[:1400], y[:1400], 6, 3e-3))
for i in (0, 2):
    model[i] = LoRALinear(model[i])
print("adapted loss", fit(model, rotated[:1400], y[:1400], 12, 5e-3))
with torch.no_grad():
    print("accuracy", (model(rotated[1400:]).argmax(1) == y[1400:]).float().mean().item())
