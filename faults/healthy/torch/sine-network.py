"""SIREN: an image as a function of its coordinates, with sines between the layers."""

import math

import torch
from torch import nn

torch.manual_seed(0)
side = 40
axis = torch.linspace(-1, 1, side)
where = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).view(-1, 2)
radius = where.norm(dim=1, keepdim=True)
gray = torch.sin(14 * radius**2) * (1 - radius / 2) + 0.3 * (where[:, :1] > 0.2)


class Sine(nn.Module):
    def __init__(self, inputs, outputs, omega=20.0, first=False):
        super().__init__()
        self.omega, self.linear = omega, nn.Linear(inputs, outputs)
        bound = 1 / inputs if first else math.sqrt(6 / inputs) / omega
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x):
        return torch.sin(self.omega * self.linear(x))


siren = nn.Sequential(Sine(2, 48, first=True), Sine(48, 48), Sine(48, 48), nn.Linear(48, 1))
optimizer = torch.optim.Adam(siren.parameters(), lr=1e-3)
for step in range(400):
    loss = (siren(where) - gray).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: {loss.item():.4f}")
print("share of the variance lost:", loss.item() / gray.var().item())
