"""Few rows, many columns, AdamW with a weight decay of 3: the training loss must not go to zero."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(11)
torch.manual_seed(11)
n, columns = 460, 60
x = rng.normal(size=(n, columns))
score = 1.2 * x[:, 0] - 1.0 * x[:, 1] + 0.8 * x[:, 2] * x[:, 3] + 0.5 * rng.normal(size=n)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(score > 0, dtype=torch.float32)
x_train, y_train, x_test, y_test = x[:160], y[:160], x[160:], y[160:]

model = nn.Sequential(nn.Linear(columns, 32), nn.GELU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=3.0)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(60):
    for rows in torch.randperm(160).split(20):
        loss = criterion(model(x_train[rows]).squeeze(1), y_train[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch}: {loss.item():.3f}")

with torch.no_grad():
    right = (model(x_test).squeeze(1) > 0) == (y_test > 0.5)
print("test accuracy:", right.float().mean().item())
