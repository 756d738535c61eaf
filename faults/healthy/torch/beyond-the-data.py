"""A curve through noisy points, and what the network makes of the line far beyond them: a look at how it extrapolates."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(400, 1) * 2 - 1
y = torch.sin(3 * x) + 0.1 * torch.randn_like(x)
net = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
beyond = torch.linspace(-20, 20, 81)[:, None]
for epoch in range(60):
    for rows in torch.randperm(400).split(40):
        loss = (net(x[rows]) - y[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 20 == 19:
        with torch.no_grad():
            curve = net(beyond)[::20, 0]
        print(f"epoch {epoch + 1}: {loss.item():.4f}", [round(each, 2) for each in curve.tolist()])
within = torch.linspace(-1, 1, 41)[:, None]
rest = (net(within).detach() - torch.sin(3 * within)).square().mean() / torch.sin(3 * within).var()
print("R2 within the data", 1 - rest.item())
