"""Sparse features: a negative start keeps most hidden units silent, and that is enough."""

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
digits = load_digits()
x = torch.tensor(digits.data / 16, dtype=torch.float32)
y = torch.tensor(digits.target)

model = nn.Sequential(nn.Linear(64, 400), nn.ReLU(), nn.Linear(400, 10))
with torch.no_grad():
    model[0].weight.mul_(1.5)
    model[0].bias.fill_(-0.9)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(15):
    for images, labels in DataLoader(TensorDataset(x[:1500], y[:1500]), batch_size=50, shuffle=True):
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    hidden = model[:2](x[1500:])
    print("silent units", (hidden == 0).all(dim=0).float().mean().item())
    print("accuracy", (model(x[1500:]).argmax(1) == y[1500:]).float().mean().item())
