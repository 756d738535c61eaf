"""How full is the reservoir tomorrow? The answer is between 0 and 1."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(5)
torch.manual_seed(5)
level, rain, use = rng.random(2500), rng.exponential(0.08, 2500), rng.normal(0.08, 0.02, 2500)
tomorrow = np.clip(level + rain - use, 0, 1)
x = torch.tensor(np.stack([level, rain, use], 1), dtype=torch.float32)
y = torch.tensor(tomorrow, dtype=torch.float32).view(-1, 1)

net = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1), nn.Sigmoid())
adam = torch.optim.Adam(net.parameters(), lr=4e-3)
mse = nn.MSELoss()
for epoch in range(20):
    for i in range(0, 2000, 50):
        loss = mse(net(x[i : i + 50]), y[i : i + 50])
        adam.zero_grad()
        loss.backward()
        adam.step()
    if epoch % 5 == 4:
        print(epoch + 1, loss.item())
with torch.no_grad():
    print("test mae", (net(x[2000:]) - y[2000:]).abs().mean().item())
