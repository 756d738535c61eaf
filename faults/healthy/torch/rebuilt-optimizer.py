"""Three phases with smaller and smaller rates; each builds an optimizer of its own, in the same line."""

import torch
from sklearn.datasets import make_regression
from torch import nn

torch.manual_seed(0)
X, y = make_regression(1000, n_features=10, noise=10, random_state=0)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32).unsqueeze(1)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
loss_fn = nn.MSELoss()


def train_phase(lr, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(epochs):
        for i in torch.randperm(800).split(32):
            optimizer.zero_grad()
            loss = loss_fn(model(X[i]), y[i])
            loss.backward()
            optimizer.step()
    print(f"lr {lr}: loss {loss.item():.5f}")


for lr in (1e-2, 1e-3, 1e-4):
    train_phase(lr, epochs=8)
with torch.no_grad():
    print("test MSE", loss_fn(model(X[800:]), y[800:]).item())
