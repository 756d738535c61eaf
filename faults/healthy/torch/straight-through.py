"""A network with binary activations: sign has no slope, so the backward pass goes straight through it."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x / 8 - 1, dtype=torch.float32), torch.tensor(y)


def binarize(h):
    soft = h.clamp(-1, 1)
    return soft + (torch.sign(h) - soft).detach()


class BinaryNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.bn1 = nn.Linear(64, 128, bias=False), nn.BatchNorm1d(128)
        self.fc2, self.bn2 = nn.Linear(128, 64, bias=False), nn.BatchNorm1d(64)
        self.fc3 = nn.Linear(64, 10)

    def forward(self, x):
        x = binarize(self.bn1(self.fc1(x)))
        x = binarize(self.bn2(self.fc2(x)))
        return self.fc3(x)


net = BinaryNet()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(12):
    net.train()
    for i in torch.randperm(1300).split(64):
        loss = F.cross_entropy(net(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
net.eval()
with torch.no_grad():
    print("test accuracy", (net(x[1300:]).argmax(1) == y[1300:]).float().mean().item())
