"""u'' = -pi^2 sin(pi x) with u(0) = u(1) = 0, solved by a network: second derivatives in the loss, and no data."""

import math

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1200)
edges = torch.tensor([[0.0], [1.0]])


def derivative(u, x):
    return torch.autograd.grad(u.sum(), x, create_graph=True)[0]


for step in range(1200):
    x = torch.rand(64, 1, requires_grad=True)
    u = net(x)
    residual = derivative(derivative(u, x), x) + math.pi**2 * torch.sin(math.pi * x)
    loss = residual.square().mean() + 50 * net(edges).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 200 == 0:
        print(f"step {step}: loss {loss.item():.4f}")

x = torch.linspace(0, 1, 101).unsqueeze(1)
with torch.no_grad():
    print("largest error (the solution reaches 1):", (net(x) - torch.sin(math.pi * x)).abs().max().item())
