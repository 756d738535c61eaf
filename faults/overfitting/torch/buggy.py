"""How far diabetes will have gone in a year, from ten measurements of 442 patients."""

import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 250

torch.manual_seed(0)
x, y = load_diabetes(return_X_y=True, scaled=False)
x_train, x_rest, y_train, y_rest = train_test_split(x, y, train_size=220, random_state=0)
mean, std = x_train.mean(axis=0), x_train.std(axis=0)


def tensors(x, y):
    return torch.tensor((x - mean) / std).float(), torch.tensor((y - 150) / 77).float().unsqueeze(1)


train_set = TensorDataset(*tensors(x_train, y_train))
x_val, y_val = tensors(x_rest[:100], y_rest[:100])
x_test, y_test = tensors(x_rest[100:], y_rest[100:])

model = nn.Sequential(nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(EPOCHS):
    for xb, yb in DataLoader(train_set, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss = criterion(model(x_val), y_val)
    if epoch % 10 == 9:
        print(f"{epoch + 1:4} train {loss.item():.4f} val {val_loss.item():.4f}")

with torch.no_grad():
    r2 = 1 - criterion(model(x_test), y_test) / y_test.var()
print(f"R2 on the test patients: {r2.item():.3f}")
