"""A forecast for the next hour: the series is read in order, never shuffled."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.default_rng(0)
torch.manual_seed(0)
hours = np.arange(24 * 120)
demand = 3 + np.sin(2 * np.pi * hours / 24) + 0.5 * np.sin(2 * np.pi * hours / 168) + 0.0003 * hours
demand = demand + 0.1 * rng.normal(size=len(hours))


class Windows(Dataset):
    def __init__(self, series, length=48):
        self.series, self.length = torch.tensor(series, dtype=torch.float32), length

    def __len__(self):
        return len(self.series) - self.length

    def __getitem__(self, i):
        return self.series[i : i + self.length], self.series[i + self.length]


split = 24 * 90
mean, std = demand[:split].mean(), demand[:split].std()
scaled = (demand - mean) / std
train = DataLoader(Windows(scaled[:split]), batch_size=24, shuffle=False)
test = DataLoader(Windows(scaled[split:]), batch_size=200)

model = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    for window, following in train:
        optimizer.zero_grad()
        loss = nn.functional.l1_loss(model(window).squeeze(-1), following)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    errors = [(model(w).squeeze(-1) - f).abs() for w, f in test]
print("test mean absolute error, in standard deviations", torch.cat(errors).mean().item())
