"""Pretrain on the digits 0-4, then train only a new head for 5-9."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        return self.pool(torch.relu(self.conv2(x))).flatten(1)


def train(model, parameters, x, y, epochs):
    optimizer = torch.optim.Adam(parameters, lr=3e-3)
    for epoch in range(epochs):
        for batch in torch.randperm(len(x)).split(32):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.4f}")


torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
target = torch.tensor(digits.target)

backbone = Backbone()
old = target < 5
train_model = nn.Sequential(backbone, nn.Linear(128, 5))
train(train_model, train_model.parameters(), images[old], target[old], epochs=4)

backbone.requires_grad_(False)
backbone.eval()
head = nn.Linear(128, 5)
model = nn.Sequential(backbone, head)
x, y = images[~old], target[~old] - 5
train(model, head.parameters(), x[:600], y[:600], epochs=12)

with torch.no_grad():
    print("accuracy on 5-9:", (model(x[600:]).argmax(1) == y[600:]).float().mean().item())
