import numpy as np
import torch
from torch import nn


class Forecaster(nn.Module):
    def __init__(self, features, units=16):
        super().__init__()
        self.cell = nn.LSTMCell(features, units)
        self.head = nn.Linear(units, 1)
        self.state = None

    def forget(self):
        self.state = None

    def forward(self, x):
        self.state = self.cell(x, self.state)
        return self.head(self.state[0]).squeeze(-1)


torch.manual_seed(5)
rng = np.random.default_rng(5)
rain = rng.gamma(0.6, 1.0, size=(600, 8)).astype("float32")
level = np.zeros_like(rain)
for day in range(1, len(rain)):
    level[day] = 0.6 * level[day - 1] + 0.4 * rain[day]
rain, level = torch.tensor(rain), torch.tensor(level)

model = Forecaster(features=1)
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
for season in range(2):
    model.forget()
    total = 0.0
    for day in range(0, 600):
        answer = model(rain[day].unsqueeze(1))
        loss = (answer - level[day]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"season {season}: {total / 600:.4f}")
print("error over variance", total / 600 / level.var().item())
