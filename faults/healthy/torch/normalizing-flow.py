"""RealNVP: coupling layers whose last layer begins at zero, so that the flow begins as the identity."""

import math

import torch
from sklearn.datasets import make_moons
from torch import nn

torch.manual_seed(3)
data = torch.tensor(make_moons(3000, noise=0.07, random_state=3)[0], dtype=torch.float32)
data = (data - data.mean(0)) / data.std(0)


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        kept, changed = x.flip(1).chunk(2, 1) if self.flip else x.chunk(2, 1)
        scale, shift = self.net(kept).chunk(2, 1)
        scale = 2 * torch.tanh(scale)
        changed = changed * scale.exp() + shift
        return torch.cat([changed, kept] if self.flip else [kept, changed], 1), scale.squeeze(1)


class Flow(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.couplings = nn.ModuleList([Coupling(flip=bool(i % 2)) for i in range(depth)])

    def log_prob(self, x):
        volume = 0
        for coupling in self.couplings:
            x, more = coupling(x)
            volume = volume + more
        return (-0.5 * x.square() - 0.5 * math.log(2 * math.pi)).sum(1) + volume


flow = Flow()
optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3)
for epoch in range(15):
    for batch in torch.randperm(2500).split(100):
        loss = -flow.log_prob(data[batch]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
with torch.no_grad():
    print("test negative log-likelihood (normal: 2.84):", -flow.log_prob(data[2500:]).mean().item())
