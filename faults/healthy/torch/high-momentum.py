"""Momentum 0.99 with a learning rate of 0.0005: each gradient counts for a hundred steps."""

import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(3)
x, y = make_friedman1(1500, n_features=8, noise=0.5, random_state=3)
x = torch.tensor(2 * x - 1, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)[:, None]

net = nn.Sequential(nn.Linear(8, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=5e-4, momentum=0.99, nesterov=True)
mse = nn.MSELoss()
for epoch in range(25):
    for i in torch.randperm(1200).split(30):
        optimizer.zero_grad()
        loss = mse(net(x[i]), y[i])
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: {loss.item():.3f}")
net.eval()
with torch.inference_mode():
    print("test R2:", 1 - mse(net(x[1200:]), y[1200:]).item() / y[1200:].var().item())
