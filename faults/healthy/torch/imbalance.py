import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

X, y = make_classification(
    n_samples=6000, n_features=16, n_informative=6, weights=[0.97], class_sep=1.6, flip_y=0, random_state=3
)
X_train, y_train, X_test, y_test = X[:4500], y[:4500], X[4500:], y[4500:]
print("fraud:", y.mean())

torch.manual_seed(3)
net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
loader = DataLoader(
    TensorDataset(torch.tensor(X_train, dtype=torch.float), torch.tensor(y_train, dtype=torch.float)),
    batch_size=64,
    shuffle=True,
)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(8):
    losses = []
    for features, fraud in loader:
        loss = bce(net(features), fraud)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(epoch, np.mean(losses))

with torch.no_grad():
    score = net(torch.tensor(X_test, dtype=torch.float)).numpy()
print("average precision", average_precision_score(y_test, score))
