"""Three hidden units are enough: who buys is mostly chance, and nothing gets two thirds of the answers right."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
age, income, visits = rng.uniform(-1, 1, 1500), rng.normal(size=1500), rng.normal(size=1500)
chance = 1 / (1 + np.exp(-(0.8 * income - 1.5 * age**2 + 0.5 + 0.3 * visits)))
x = torch.tensor(np.stack([age, income, visits], 1)).float()
y = torch.tensor(rng.random(1500) < chance).float()

model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(40):
    for rows in torch.randperm(1200).split(40):
        loss = criterion(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(epoch, loss.item())
with torch.no_grad():
    answers = model(x[1200:]).squeeze(1) > 0
print("test accuracy", (answers == y[1200:].bool()).float().mean().item())
