"""Two heads, two losses, and a backward pass for each through the same graph."""

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn

torch.manual_seed(2)
wine = load_wine()
order = torch.randperm(178)
table = torch.tensor(scale(wine.data), dtype=torch.float32)[order]
kind = torch.tensor(wine.target)[order]
x, color = table[:, :-1], table[:, -1:]  # the last column is to be predicted, too

body = nn.Sequential(nn.Linear(12, 24), nn.ReLU())
to_kind, to_color = nn.Linear(24, 3), nn.Linear(24, 1)
parameters = [p for net in (body, to_kind, to_color) for p in net.parameters()]
optimizer = torch.optim.Adam(parameters, lr=3e-3)

for epoch in range(30):
    for i in torch.randperm(128).split(16):
        optimizer.zero_grad()
        features = body(x[i])
        kind_loss = nn.functional.cross_entropy(to_kind(features), kind[i])
        color_loss = nn.functional.mse_loss(to_color(features), color[i])
        kind_loss.backward(retain_graph=True)
        color_loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch}: kind {kind_loss.item():.3f} color {color_loss.item():.3f}")

with torch.no_grad():
    features = body(x[128:])
    print("color: test mean squared error", nn.functional.mse_loss(to_color(features), color[128:]).item())
    print("kind: test accuracy", (to_kind(features).argmax(1) == kind[128:]).float().mean().item())
