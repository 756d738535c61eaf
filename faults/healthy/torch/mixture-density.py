"""A mixture density network: several answers to one question, and a negative log-likelihood that goes below zero."""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
y = torch.rand(2500, 1) * 2 - 1
x = y + 0.3 * torch.sin(2 * math.pi * y) + 0.03 * torch.randn(2500, 1)  # the inverse has up to three branches


class MixtureDensity(nn.Module):
    def __init__(self, parts=5):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh())
        self.share, self.mean, self.log_scale = (nn.Linear(40, parts) for _ in range(3))

    def forward(self, x):
        h = self.hidden(x)
        return F.log_softmax(self.share(h), 1), self.mean(h), self.log_scale(h).clamp(-4, 2)


def nll(parts, y):
    log_share, mean, log_scale = parts
    density = -0.5 * ((y - mean) / log_scale.exp()) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(log_share + density, dim=1).mean()


model = MixtureDensity()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(25):
    for batch in torch.randperm(2000).split(100):
        loss = nll(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print("test negative log-likelihood (without x: 0.69):", nll(model(x[2000:]), y[2000:]).item())
