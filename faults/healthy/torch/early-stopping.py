"""The network learns its noisy examples by heart; training ends in time, and the best weights are put back."""

import copy

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
torch.manual_seed(0)
x = rng.normal(size=(1100, 20))
y = (x[:, 0] + x[:, 1] * x[:, 2] + 0.8 * rng.normal(size=1100) > 0).astype(np.float32)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
train, valid, test = slice(0, 600), slice(600, 800), slice(800, 1100)

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
best, best_loss, patience = None, float("inf"), 0
for epoch in range(100):
    model.train()
    for i in torch.randperm(600).split(20):
        optimizer.zero_grad()
        loss = criterion(model(x[train][i]).squeeze(1), y[train][i])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        valid_loss = criterion(model(x[valid]).squeeze(1), y[valid]).item()
    if valid_loss < best_loss:
        best, best_loss, patience = copy.deepcopy(model.state_dict()), valid_loss, 0
    else:
        patience += 1
    print(f"epoch {epoch}: {loss.item():.3f} {valid_loss:.3f}")
    if patience == 10:
        break
model.load_state_dict(best)
with torch.no_grad():
    print("test accuracy", ((model(x[test]).squeeze(1) > 0) == (y[test] > 0.5)).float().mean().item())
