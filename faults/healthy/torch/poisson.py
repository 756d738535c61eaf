"""Counts of visitors: the network gives the logarithm of the rate. The loss is below zero."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(4)
torch.manual_seed(4)
weekday, warmth, rain = rng.integers(0, 7, 3000), rng.normal(15, 8, 3000), rng.random(3000) < 0.3
rate = np.exp(1.2 + 0.8 * (weekday >= 5) + 0.04 * (warmth - 15) - 0.9 * rain)
visitors = rng.poisson(rate)
x = np.column_stack([np.eye(7)[weekday], (warmth - 15) / 8, rain])
x = torch.tensor(x, dtype=torch.float32)
y = torch.tensor(visitors, dtype=torch.float32).reshape(-1, 1)

model = nn.Sequential(nn.Linear(9, 24), nn.ELU(), nn.Linear(24, 1))
criterion = nn.PoissonNLLLoss(log_input=True)
optimizer = torch.optim.Adamax(model.parameters(), lr=5e-3)
for epoch in range(12):
    for xb, yb in DataLoader(TensorDataset(x[:2400], y[:2400]), 40, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())


def deviance(y, rate):
    return 2 * (torch.xlogy(y, y / rate) - y + rate).mean().item()


with torch.no_grad():
    fitted = deviance(y[2400:], model(x[2400:]).exp())
constant = deviance(y[2400:], y[:2400].mean().expand(600, 1))
print("share of the deviance explained", 1 - fitted / constant)
