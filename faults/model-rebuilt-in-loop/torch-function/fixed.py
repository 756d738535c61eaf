"""Forecast tomorrow's load of a power grid from the last two days, hour by hour."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

rng = np.random.default_rng(0)
hours = np.arange(24 * 120)
daily = 1 + np.sin(2 * np.pi * (hours - 7) / 24)
weekend = np.where(hours // 24 % 7 >= 5, 0.6, 1.0)
load = torch.tensor(daily * weekend + 0.05 * rng.normal(size=len(hours)), dtype=torch.float32)
load = (load - load.mean()) / load.std()
windows = load.unfold(0, 49, 1)
history, following = windows[:, :48], windows[:, 48]
seen = 24 * 90


def build_model():
    return nn.Sequential(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))


def train_step(model, optimizer, x, y):
    model.train()
    loss = F.mse_loss(model(x).squeeze(1), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


torch.manual_seed(0)
model = build_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(6):
    losses = []
    for rows in torch.randperm(seen).split(40):
        loss = train_step(model, optimizer, history[rows], following[rows])
        losses.append(loss)
    print("epoch", epoch, "loss", np.mean(losses))

with torch.no_grad():
    print("test error", F.mse_loss(model(history[seen:]).squeeze(1), following[seen:]).item())
