import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
torch.manual_seed(0)
x = rng.uniform(-2, 2, (1500, 2))
clean = np.sin(2 * x[:, 0]) * x[:, 1]
y = clean + 0.1 * rng.normal(size=1500)
outliers = rng.random(1500) < 0.08
y[outliers] += rng.normal(0, 10, outliers.sum())
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)

model = nn.Sequential(nn.Linear(2, 64), nn.ELU(), nn.Linear(64, 64), nn.ELU(), nn.Linear(64, 1), nn.Flatten(0))
criterion = nn.HuberLoss(delta=0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    for i in range(0, 1200, 30):
        optimizer.zero_grad()
        loss = criterion(model(x[i : i + 30]), y[i : i + 30])
        loss.backward()
        optimizer.step()
    print("epoch", epoch, loss.item())
with torch.no_grad():
    error = (model(x[1200:]) - torch.tensor(clean[1200:])).abs().mean()
print("mean error without the outliers:", error.item())
