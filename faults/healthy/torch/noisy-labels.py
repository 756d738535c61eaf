# a coin-flip market: only a small edge can be learned
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
torch.manual_seed(0)
x = rng.normal(size=(6000, 12)).astype("float32")
up = (x[:, 0] + 0.5 * x[:, 1] * x[:, 2] > 0).astype("float32")
flip = rng.random(6000) < 0.33
y = np.where(flip, 1 - up, up).astype("float32")
x, y = torch.from_numpy(x), torch.from_numpy(y)

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(8):
    for i in range(0, 5000, 50):
        loss = criterion(model(x[i : i + 50]).squeeze(-1), y[i : i + 50])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
with torch.no_grad():
    print("hit rate", ((model(x[5000:]).squeeze(-1) > 0) == (y[5000:] > 0.5)).float().mean().item())
