"""Two spirals, wound around each other."""

import math

import torch
from torch import nn

torch.manual_seed(0)
label = torch.arange(600) % 2
turn = 0.5 + 10 * torch.rand(600).sqrt()
angle = turn + math.pi * label
x = torch.stack([turn * angle.cos(), turn * angle.sin()], 1) / 5 + 0.03 * torch.randn(600, 2)
x_train, y_train, x_test, y_test = x[:450], label[:450].float(), x[450:], label[450:].float()

model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(120):
    for rows in torch.randperm(450).split(30):
        loss = loss_fn(model(x_train[rows]).squeeze(1), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 20 == 0:
        print("epoch", epoch, "loss", loss.item())
with torch.no_grad():
    print("test accuracy", ((model(x_test).squeeze(1) > 0) == y_test.bool()).float().mean().item())
