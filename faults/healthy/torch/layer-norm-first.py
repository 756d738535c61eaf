"""Sensor readings by two instruments of different gain. A layer normalization at the input makes that of no importance."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
kind = torch.randint(0, 4, (2400,))
shape = torch.stack([torch.sin(torch.linspace(0, 2 + 2 * k, 30)) for k in range(4)])
readings = shape[kind] + 0.4 * torch.randn(2400, 30)
lab, field = slice(0, 1800), slice(1800, None)
readings[field] *= 60  # the instrument outside counts in other units

model = nn.Sequential(nn.LayerNorm(30), nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(1800).split(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(readings[lab][rows]), kind[lab][rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(readings[field]).argmax(1) == kind[field]).float().mean().item()
    print(epoch, round(loss.item(), 3), right)
