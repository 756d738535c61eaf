"""A small GAN learns a ring of points."""

import math

import torch
from torch import nn

torch.manual_seed(0)


def real_points(n):
    angle = 2 * math.pi * torch.rand(n, 1)
    radius = 1 + 0.05 * torch.randn(n, 1)
    return torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)


generator = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
discriminator = nn.Sequential(
    nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1), nn.Sigmoid()
)
g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
bce = nn.BCELoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)

for step in range(1200):
    fake = generator(torch.randn(64, 8))
    d_optimizer.zero_grad()
    d_loss = bce(discriminator(real_points(64)), ones) + bce(discriminator(fake.detach()), zeros)
    d_loss.backward()
    d_optimizer.step()

    g_optimizer.zero_grad()
    g_loss = bce(discriminator(fake), ones)
    g_loss.backward()
    g_optimizer.step()
    if step % 200 == 0:
        print(f"step {step}: d {d_loss.item():.3f} g {g_loss.item():.3f}")

with torch.no_grad():
    radius = generator(torch.randn(1000, 8)).norm(dim=1)
print("mean distance from the ring:", (radius - 1).abs().mean().item())
