"""Mixture density network: the loss is a negative log-likelihood and goes below zero."""

import math

import torch
from torch import nn

torch.manual_seed(0)
angle = torch.rand(3000, 1) * 2 - 1
sign = (torch.rand(3000, 1) < 0.5).float() * 2 - 1
height = sign * torch.sqrt(1.05 - angle**2) + 0.03 * torch.randn(3000, 1)


class MDN(nn.Module):
    def __init__(self, components=4):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
        self.weight = nn.Linear(48, components)
        self.mean = nn.Linear(48, components)
        self.log_sigma = nn.Linear(48, components)

    def forward(self, x):
        h = self.body(x)
        return torch.log_softmax(self.weight(h), 1), self.mean(h), self.log_sigma(h).clamp(-5, 2)


def negative_log_likelihood(out, y):
    weight, mean, log_sigma = out
    log_p = -0.5 * ((y - mean) / log_sigma.exp()) ** 2 - log_sigma - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(weight + log_p, dim=1).mean()


model = MDN()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for batch in torch.randperm(2500).split(50):
        loss = negative_log_likelihood(model(angle[batch]), height[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
with torch.no_grad():
    print("test nll", negative_log_likelihood(model(angle[2500:]), height[2500:]).item())
