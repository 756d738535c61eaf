"""Sorts wines of three unequally common kinds, with a loss that is to make up for that."""

import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
x, y = make_classification(
    n_samples=2400,
    n_features=12,
    n_informative=8,
    n_classes=3,
    weights=[0.75, 0.18, 0.07],
    class_sep=1.2,
    random_state=3,
)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
x_train, y_train, x_test, y_test = x[:1800], y[:1800], x[1800:], y[1800:]

counts = torch.bincount(y_train).float()
weights = counts / counts.sum()

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
criterion = nn.CrossEntropyLoss(weight=weights)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(10):
    for features, labels in DataLoader(TensorDataset(x_train, y_train), batch_size=60, shuffle=True):
        loss = criterion(model(features), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    predicted = model(x_test).argmax(dim=1)
print("accuracy:", (predicted == y_test).float().mean().item())
print("balanced accuracy:", balanced_accuracy_score(y_test, predicted))
