"""The rate halves every 60 steps, by design: what can be known of such noisy targets is learned in the first few hundred."""

import torch
from torch import nn

torch.manual_seed(2)


def house_prices(n):
    """Six features that say less than half of what a house is worth."""
    x = torch.randn(n, 6)
    y = 0.8 * x[:, 0] - 0.6 * x[:, 1] * (x[:, 2] > 0) + 0.4 * x[:, 3].abs() + 1.3 * torch.randn(n)
    return x, (y / 1.6)[:, None]


x_train, y_train = house_prices(4000)
x_test, y_test = house_prices(1000)
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=60, gamma=0.5)
mse = nn.MSELoss()
for step in range(1500):
    i = torch.randint(0, len(x_train), (64,))
    loss = mse(model(x_train[i]), y_train[i])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 300 == 299:
        print(f"step {step + 1}: loss {loss.item():.3f}, rate {scheduler.get_last_lr()[0]:.2g}")
with torch.no_grad():
    print("test R2:", 1 - mse(model(x_test), y_test).item() / y_test.var().item())
