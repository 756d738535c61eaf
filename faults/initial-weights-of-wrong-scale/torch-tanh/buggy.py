"""Digits from 8 x 8 pixels with a deep tanh network."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1)

data = load_digits()
order = torch.randperm(len(data.target))
pixels = (torch.tensor(data.data, dtype=torch.float32) / 8 - 1)[order]
digit = torch.tensor(data.target)[order]


class DeepNet(nn.Module):
    def __init__(self, width=128, depth=8):
        super().__init__()
        sizes = [64] + [width] * depth
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))
        self.out = nn.Linear(width, 10)
        for layer in self.hidden:
            layer.weight.data = torch.randn(layer.weight.shape)
            layer.bias.data.zero_()

    def forward(self, x):
        for layer in self.hidden:
            x = torch.tanh(layer(x))
        return self.out(x)


net = DeepNet()
optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
for epoch in range(20):
    losses = []
    for rows in torch.randperm(1500).split(50):
        loss = F.cross_entropy(net(pixels[rows]), digit[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"{epoch:2d} {sum(losses) / len(losses):.3f}")

with torch.no_grad():
    accuracy = (net(pixels[1500:]).argmax(dim=1) == digit[1500:]).float().mean().item()
print(f"accuracy on new digits: {accuracy:.3f}")
