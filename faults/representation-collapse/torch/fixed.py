"""A variational autoencoder for short curves, and what it makes of new ones."""

import math

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(8)


def curves(n):
    time = torch.linspace(0, 1, 40)
    size, pace, phase = 0.5 + torch.rand(n, 1), 1 + 2 * torch.rand(n, 1), 2 * math.pi * torch.rand(n, 1)
    return size * torch.sin(2 * math.pi * pace * time + phase) + 0.05 * torch.randn(n, 40)


class VariationalAutoencoder(nn.Module):
    def __init__(self, code=6):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(40, 64), nn.Tanh())
        self.mean = nn.Linear(64, code)
        self.log_var = nn.Linear(64, code)
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.Tanh(), nn.Linear(64, 40))

    def forward(self, x):
        h = self.encoder(x)
        mean, log_var = self.mean(h), self.log_var(h)
        return self.decoder(mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)), mean, log_var


def negative_elbo(answer, x, mean, log_var):
    reconstruction = F.mse_loss(answer, x, reduction="sum") / len(x)
    divergence = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(dim=1).mean()
    return reconstruction + divergence


train, test = curves(1600), curves(400)
model = VariationalAutoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
for epoch in range(30):
    for batch in train[torch.randperm(len(train))].split(64):
        answer, mean, log_var = model(batch)
        loss = negative_elbo(answer, batch, mean, log_var)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch}: loss {loss.item():.3f}")

with torch.no_grad():
    answer = model.decoder(model.mean(model.encoder(test)))
print("share of the variance", 1 - F.mse_loss(answer, test).item() / test.var().item())
