"""Diffusion in two dimensions: the network predicts the noise, and much of it cannot be known."""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
T = 40
beta = torch.linspace(1e-3, 0.2, T)
kept = torch.cumprod(1 - beta, 0)


def spiral(n):
    turn = 3 * math.pi * torch.rand(n).sqrt()
    return torch.stack([turn * turn.cos(), turn * turn.sin()], 1) / 5 + 0.02 * torch.randn(n, 2)


class Denoiser(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.time = nn.Embedding(T, width)
        self.inp = nn.Linear(2, width)
        self.blocks = nn.ModuleList([nn.Linear(width, width) for _ in range(3)])
        self.out = nn.Linear(width, 2)

    def forward(self, x, t):
        h = self.inp(x) + self.time(t)
        for block in self.blocks:
            h = h + F.silu(block(h))
        return self.out(h)


model = Denoiser()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for step in range(2000):
    x0, t, noise = spiral(128), torch.randint(T, (128,)), torch.randn(128, 2)
    xt = kept[t].sqrt()[:, None] * x0 + (1 - kept[t]).sqrt()[:, None] * noise
    loss = F.mse_loss(model(xt, t), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 400 == 0:
        print(f"step {step}: {loss.item():.3f}")

x = torch.randn(500, 2)
with torch.no_grad():
    for t in reversed(range(T)):
        guess = model(x, torch.full((500,), t))
        x = (x - beta[t] / (1 - kept[t]).sqrt() * guess) / (1 - beta[t]).sqrt()
        if t:
            x = x + beta[t].sqrt() * torch.randn_like(x)
real = spiral(2000)
print("random points are off by", torch.cdist(torch.randn(500, 2), real).min(1).values.mean().item())
print("made points are off by", torch.cdist(x, real).min(1).values.mean().item())
