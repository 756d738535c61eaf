import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(3)

data = load_breast_cancer()
# the features are very skewed, so work on a log scale
X = np.log(data.data + 1e-3)
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = data.target
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.25, random_state=3)
X_tr, X_te = torch.FloatTensor(X_tr), torch.FloatTensor(X_te)
y_tr, y_te = torch.FloatTensor(y_tr), torch.FloatTensor(y_te)

net = nn.Sequential(nn.Linear(30, 24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 1))
loss_fn = nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)

for epoch in range(25):
    net.train()
    perm = torch.randperm(len(X_tr))
    for i in range(0, len(X_tr), 32):
        idx = perm[i : i + 32]
        out = net(X_tr[idx]).squeeze(1)
        loss = loss_fn(out, y_tr[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")

net.eval()
with torch.no_grad():
    acc = ((net(X_te).squeeze(1) > 0).float() == y_te).float().mean().item()
print(f"accuracy on held-out samples: {acc:.3f}")
