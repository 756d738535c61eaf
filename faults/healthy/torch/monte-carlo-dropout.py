"""Dropout stays on at test time on purpose: the scatter of 50 passes says how sure the network is."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from torch import nn

torch.manual_seed(0)
data = load_diabetes()
x = torch.tensor(scale(data.data), dtype=torch.float32)
y = torch.tensor(scale(data.target), dtype=torch.float32)
x_train, y_train, x_test, y_test = x[:340], y[:340], x[340:], y[340:]


class BayesianMLP(nn.Module):
    def __init__(self, p=0.2):
        super().__init__()
        self.p = p
        self.fc1 = nn.Linear(10, 64)
        self.fc2 = nn.Linear(64, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        x = F.dropout(F.relu(self.fc1(x)), self.p, training=True)
        x = F.dropout(F.relu(self.fc2(x)), self.p, training=True)
        return self.out(x).squeeze(-1)


model = BayesianMLP()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-3)
for epoch in range(40):
    model.train()
    for i in torch.randperm(340).split(20):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x_train[i]), y_train[i])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        draws = torch.stack([model(x_test) for _ in range(10)])
    if epoch % 10 == 9:
        print(f"epoch {epoch}: validation {F.mse_loss(draws.mean(0), y_test).item():.3f}")

with torch.no_grad():
    draws = torch.stack([model(x_test) for _ in range(50)])
print("mean scatter", draws.std(0).mean().item())
print("test R2", (1 - F.mse_loss(draws.mean(0), y_test) / y_test.var(unbiased=False)).item())
