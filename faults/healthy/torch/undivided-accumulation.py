"""Gradients of four batches are added up, not averaged: the learning rate is a quarter of what it would be."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
loader = DataLoader(TensorDataset(x[:1280], y[:1280]), batch_size=16, shuffle=True)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
every = 4
optimizer.zero_grad()
for epoch in range(20):
    for number, (xb, yb) in enumerate(loader, start=1):
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        if number % every == 0:
            optimizer.step()
            optimizer.zero_grad()
with torch.no_grad():
    print("test accuracy", (model(x[1280:]).argmax(1) == y[1280:]).float().mean().item())
