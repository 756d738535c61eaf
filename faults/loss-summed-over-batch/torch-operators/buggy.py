"""Learns the shape of a curve from noisy points, with everything written by hand."""

import math

import torch
import torch.nn as nn


class Curve(nn.Module):
    def __init__(self):
        super().__init__()
        self.lift = nn.Linear(1, 64)
        self.mix = nn.Linear(64, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, t):
        return self.out(torch.tanh(self.mix(torch.tanh(self.lift(t)))))


torch.manual_seed(1)
t = torch.linspace(-1, 1, 1200).unsqueeze(1)
y = torch.sin(math.pi * t) + 0.1 * torch.randn_like(t)

curve = Curve()
optimizer = torch.optim.SGD(curve.parameters(), lr=0.02, momentum=0.9)
for epoch in range(20):
    for batch in torch.randperm(len(t)).split(100):
        error = curve(t[batch]) - y[batch]
        loss = (error**2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    print("mean squared distance:", ((curve(t) - torch.sin(math.pi * t)) ** 2).mean().item())
