"""WGAN as in the paper: RMSprop, five steps of the critic for each of the generator, weights clipped to 0.05."""

import torch
from torch import nn

torch.manual_seed(0)


def real(n):
    side = torch.randint(2, (n, 1)).float() * 2 - 1
    return torch.cat([side * 2, torch.zeros(n, 1)], dim=1) + 0.2 * torch.randn(n, 2)


G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optim_g = torch.optim.RMSprop(G.parameters(), lr=1e-3)
optim_d = torch.optim.RMSprop(D.parameters(), lr=1e-3)

for it in range(500):
    for _ in range(5):
        with torch.no_grad():
            fake = G(torch.randn(64, 4))
        loss_d = D(fake).mean() - D(real(64)).mean()
        optim_d.zero_grad()
        loss_d.backward()
        optim_d.step()
        for p in D.parameters():
            p.data.clamp_(-0.05, 0.05)
    loss_g = -D(G(torch.randn(64, 4))).mean()
    optim_g.zero_grad()
    loss_g.backward()
    optim_g.step()
    if it % 100 == 0:
        print(f"{it}: critic {loss_d.item():.4f} generator {loss_g.item():.4f}")

with torch.no_grad():
    points = G(torch.randn(1000, 4))
centers = torch.tensor([[2.0, 0.0], [-2.0, 0.0]])
print("share on the left", (points[:, 0] < 0).float().mean().item())
print("mean distance to the nearer center", torch.cdist(points, centers).min(1).values.mean().item())
