"""The demand for power over the day: it rises in the morning, falls at noon and rises again in the evening."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HIDDEN = 2

torch.manual_seed(0)
rng = np.random.default_rng(0)
hour = rng.uniform(0, 24, 1000)
demand = (
    np.exp(-(((hour - 7) / 2) ** 2))
    + 1.3 * np.exp(-(((hour - 19) / 2.5) ** 2))
    + 0.5 * np.exp(-(((hour - 13) / 1) ** 2))
)
x = torch.tensor(hour / 12 - 1).float().unsqueeze(1)
y = torch.tensor((demand - demand.mean()) / demand.std() + 0.1 * rng.normal(size=1000)).float().unsqueeze(1)


class Demand(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.hidden = nn.Linear(1, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))


model = Demand(HIDDEN)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
criterion = nn.MSELoss()
for epoch in range(80):
    for given, wanted in DataLoader(TensorDataset(x[:800], y[:800]), batch_size=40, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(given), wanted)
        loss.backward()
        optimizer.step()
    if epoch % 20 == 0:
        print(epoch, loss.item())
with torch.no_grad():
    print("test error", criterion(model(x[800:]), y[800:]).item())
