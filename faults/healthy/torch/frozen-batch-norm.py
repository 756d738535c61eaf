"""Fine-tuning with small batches: the normalization layers stay in evaluation mode while everything else trains."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
y = torch.tensor(digits.target)

net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
    nn.Flatten(), nn.Linear(128, 10),
)  # fmt: skip


def train(images, labels, lr, epochs, size, freeze):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for _ in range(epochs):
        net.train()
        if freeze:
            for module in net.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        for i in torch.randperm(len(images)).split(size):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images[i]), labels[i])
            loss.backward()
            optimizer.step()


def accuracy(images, labels):
    net.eval()
    with torch.no_grad():
        return (net(images).argmax(1) == labels).float().mean().item()


train(x[:900], y[:900], lr=2e-3, epochs=6, size=50, freeze=False)
turned = torch.rot90(x, dims=(2, 3))
print("before", accuracy(turned[1300:], y[1300:]))
train(turned[900:1300], y[900:1300], lr=5e-4, epochs=6, size=4, freeze=True)
print("after", accuracy(turned[1300:], y[1300:]))
