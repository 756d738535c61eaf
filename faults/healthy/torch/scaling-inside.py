"""Columns as they are and prices around 1000: the network scales both inside itself."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(2)
torch.manual_seed(2)
area, rooms, year = rng.uniform(20, 160, 2000), rng.integers(1, 7, 2000), rng.integers(1900, 2020, 2000)
price = 400 + 7 * area + 20 * rooms + 3 * np.abs(year - 1960) + 40 * rng.normal(size=2000)
x = torch.tensor(np.column_stack([area, rooms, year]), dtype=torch.float32)
y = torch.tensor(price, dtype=torch.float32)


class PriceModel(nn.Module):
    def __init__(self, x, y):
        super().__init__()
        self.register_buffer("x_mean", x.mean(0))
        self.register_buffer("x_std", x.std(0))
        self.register_buffer("y_mean", y.mean())
        self.register_buffer("y_std", y.std())
        self.net = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        scaled = (x - self.x_mean) / self.x_std
        return self.net(scaled).squeeze(-1) * self.y_std + self.y_mean


model = PriceModel(x[:1600], y[:1600])
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    for i in torch.randperm(1600).split(50):
        loss = nn.functional.mse_loss(model(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch}: root of the loss {loss.item() ** 0.5:.1f}")
with torch.no_grad():
    error = model(x[1600:]) - y[1600:]
print("test R2", (1 - error.square().mean() / y[1600:].var()).item())
