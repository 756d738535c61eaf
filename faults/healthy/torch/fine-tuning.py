"""Go on with a trained network for a few epochs with a very small learning rate."""

import torch
from sklearn.datasets import load_digits
from torch import nn


def fit(model, x, y, lr, epochs):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    for epoch in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(f"  epoch {epoch} loss {total / len(x):.5f}")


torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data / 16, dtype=torch.float32)
y = torch.tensor(digits.target)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
fit(model, x[:1000], y[:1000], lr=5e-3, epochs=10)
fit(model, x[1000:1500], y[1000:1500], lr=1e-5, epochs=12)
with torch.no_grad():
    print("accuracy", (model(x[1500:]).argmax(1) == y[1500:]).float().mean().item())
