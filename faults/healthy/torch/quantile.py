"""Three quantiles at once with the pinball loss; even the best answer keeps a loss."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
torch.manual_seed(0)
hour = rng.uniform(0, 24, 2500)
load = 50 + 15 * np.sin((hour - 8) * np.pi / 12) + rng.gamma(2.0, 2 + 2 * (hour > 12), 2500)
x = torch.tensor(np.stack([np.sin(hour * np.pi / 12), np.cos(hour * np.pi / 12), hour / 24], 1), dtype=torch.float32)
y = torch.tensor((load - load.mean()) / load.std(), dtype=torch.float32).unsqueeze(1)
levels = torch.tensor([0.1, 0.5, 0.9])


def pinball(prediction, target):
    error = target - prediction
    return torch.maximum(levels * error, (levels - 1) * error).mean()


model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    for i in torch.randperm(2000).split(50):
        loss = pinball(model(x[i]), y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    answer = model(x[2000:])
    covered = (y[2000:] < answer).float().mean(0)
    constant = pinball(y[:2000].quantile(levels), y[2000:])
print("share below each quantile", covered)
print("loss against that of constants", (pinball(answer, y[2000:]) / constant).item())
