"""Predicts disease progression from ten measurements."""

import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(4)
data = load_diabetes()
x = torch.tensor(StandardScaler().fit_transform(data.data), dtype=torch.float32)
y = torch.tensor((data.target - data.target.mean()) / data.target.std(), dtype=torch.float32).unsqueeze(1)
x_train, y_train, x_test, y_test = x[:350], y[:350], x[350:], y[350:]

model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-3)

for epoch in range(30):
    order = torch.randperm(len(x_train))
    for start in range(0, len(x_train), 25):
        batch = order[start : start + 25]
        score = -criterion(model(x_train[batch]), y_train[batch])
        optimizer.zero_grad()
        (-score).backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch}: {score.item():.4f}")

with torch.no_grad():
    error = criterion(model(x_test), y_test).item()
print("test mean squared error", error)
