import numpy as np
import torch
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(1)
torch.manual_seed(1)
counts = [2400, 400, 120]
centers = rng.normal(0, 1.6, size=(3, 8))
x = np.concatenate([rng.normal(c, 1.0, size=(n, 8)) for c, n in zip(centers, counts)])
y = np.repeat([0, 1, 2], counts)
order = rng.permutation(len(y))
x, y = torch.tensor(x[order], dtype=torch.float32), torch.tensor(y[order])

weights = torch.tensor([len(y) / (3 * n) for n in counts])
criterion = nn.CrossEntropyLoss(weight=weights)
model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for xb, yb in DataLoader(TensorDataset(x[:2400], y[:2400]), batch_size=40, shuffle=True):
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
with torch.no_grad():
    print("balanced accuracy", balanced_accuracy_score(y[2400:], model(x[2400:]).argmax(1)))
