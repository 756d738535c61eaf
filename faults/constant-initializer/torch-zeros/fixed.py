import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(12)
torch.manual_seed(12)
angles = rng.uniform(-np.pi, np.pi, size=(1500, 2)).astype(np.float32)
reach = np.stack([np.cos(angles[:, 0]) + np.cos(angles.sum(1)), np.sin(angles[:, 0]) + np.sin(angles.sum(1))], axis=1)
x, y = torch.from_numpy(angles), torch.from_numpy(reach.astype(np.float32))

hidden = nn.Linear(48, 32)
hidden.weight.data.normal_(0, 0.2)
hidden.bias.data.zero_()
arm = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), hidden, nn.ReLU(), nn.Linear(32, 2))

optimizer = torch.optim.Adam(arm.parameters(), lr=0.003)
for step in range(1, 601):
    rows = torch.randint(0, 1200, (60,))
    loss = ((arm(x[rows]) - y[rows]) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 200 == 0:
        print("step", step, "loss", loss.item())

with torch.no_grad():
    print("test error", ((arm(x[1200:]) - y[1200:]) ** 2).mean().item())
