"""A network is trained on all writers; then each new writer gets a copy that takes one step on a few of his digits."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
pixels, digits = load_digits(return_X_y=True)
pixels, digits = torch.tensor(pixels / 16).float(), torch.tensor(digits)


def network():
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


base = network()
optimizer = torch.optim.Adam(base.parameters(), lr=2e-3)
for epoch in range(12):
    for rows in torch.randperm(1200).split(40):
        optimizer.zero_grad()
        loss = F.cross_entropy(base(pixels[rows]), digits[rows])
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())

accuracies = []
for writer in range(40):
    ink = 0.3 + 0.7 * torch.rand(64)  # this writer's pen
    rows = 1200 + torch.randperm(597)[:70]
    x, y = pixels[rows] * ink, digits[rows]
    mine = network()
    with torch.no_grad():
        for new, old in zip(mine.parameters(), base.parameters(), strict=True):
            new.copy_(old)
    step = torch.optim.SGD(mine.parameters(), lr=0.1)
    F.cross_entropy(mine(x[:30]), y[:30]).backward()
    step.step()
    with torch.no_grad():
        accuracies.append((mine(x[30:]).argmax(1) == y[30:]).float().mean().item())
print("accuracy for new writers:", sum(accuracies) / len(accuracies))
