"""Bag of words: 80 % of the words of a text are dropped in training, so that no single word decides."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(0)
torch.manual_seed(0)
n, vocabulary = 1600, 400
y = rng.integers(0, 4, n)
rates = rng.gamma(0.3, 0.25, size=(4, vocabulary)) + 0.05
counts = rng.poisson(rates[y])
x = torch.tensor(np.log1p(counts), dtype=torch.float32)
y = torch.tensor(y)

model = nn.Sequential(
    nn.Dropout(0.8),
    nn.Linear(vocabulary, 100),
    nn.ReLU(),
    nn.Dropout(0.5),
    nn.Linear(100, 4),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=32, shuffle=True)
for epoch in range(12):
    model.train()
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[1200:]).argmax(1) == y[1200:]).float().mean().item()
    print(f"epoch {epoch + 1}: loss {total / 1200:.3f}, test accuracy {accuracy:.3f}")
