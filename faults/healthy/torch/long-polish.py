"""Two fifths of the epochs at a rate that is too large to settle, the others at a three hundredth of it."""

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.optim.lr_scheduler import MultiStepLR

torch.manual_seed(7)
x, y = load_diabetes(return_X_y=True)
x = torch.tensor(x / x.std(axis=0), dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
order = torch.randperm(len(x))
train, test = order[:340], order[340:]

model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
optimizer = torch.optim.SGD(model.parameters(), lr=0.15, weight_decay=0.02)
scheduler = MultiStepLR(optimizer, milestones=[24], gamma=1 / 300)
for epoch in range(60):
    for batch in train[torch.randperm(len(train))].split(10):
        loss = nn.functional.mse_loss(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    if epoch % 6 == 5:
        with torch.no_grad():
            print(f"epoch {epoch + 1}: test loss {nn.functional.mse_loss(model(x[test]), y[test]).item():.3f}")
with torch.no_grad():
    error = nn.functional.mse_loss(model(x[test]), y[test]).item()
print("test R2", 1 - error / y[test].var().item())
