"""Stations as points of a plane: an embedding of two dimensions learns who is near whom from travel times."""

import torch
from torch import nn

torch.manual_seed(0)
places = torch.rand(40, 2) * 4
minutes = torch.cdist(places, places)
pairs = torch.combinations(torch.arange(40))
times = minutes[pairs[:, 0], pairs[:, 1]] + 0.05 * torch.randn(len(pairs))
order = torch.randperm(len(pairs))
train, test = order[:500], order[500:]


class Map(nn.Module):
    def __init__(self):
        super().__init__()
        self.place = nn.Embedding(40, 2)

    def forward(self, pairs):
        a, b = self.place(pairs).unbind(1)
        return (a - b).square().sum(1).add(1e-6).sqrt()


model = Map()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 15, gamma=0.3)
for epoch in range(45):
    for i in torch.randperm(500).split(25):
        loss = (model(pairs[train[i]]) - times[train[i]]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
with torch.no_grad():
    error = (model(pairs[test]) - times[test]).abs().mean()
print("mean time", times.mean().item())
print("mean error on unseen pairs", error.item())
