"""Semi-supervised node classification: a graph of nearest neighbors over digits, 10 labels a class."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import kneighbors_graph
from torch import nn

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
graph = kneighbors_graph(X, 6).maximum(kneighbors_graph(X, 6).T).toarray() + np.eye(len(X))
degree = graph.sum(1)
adj = torch.tensor(graph / np.sqrt(np.outer(degree, degree)), dtype=torch.float32)
X, y = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y)
train = torch.zeros(len(y), dtype=torch.bool)
for c in range(10):
    train[torch.where(y == c)[0][:10]] = True


class GCN(nn.Module):
    def __init__(self, inputs, hidden, classes):
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, classes)
        self.drop = nn.Dropout(0.5)

    def forward(self, x, adj):
        x = F.relu(adj @ self.first(x))
        x = adj @ self.second(self.drop(x))
        return F.log_softmax(x, dim=0)


model = GCN(64, 32, 10)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(200):
    model.train()
    optimizer.zero_grad()
    out = model(X, adj)
    loss = F.nll_loss(out[train], y[train])
    loss.backward()
    optimizer.step()
    if epoch % 50 == 49:
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}")

model.eval()
with torch.no_grad():
    out = model(X, adj)
print(f"loss of the other nodes: {F.nll_loss(out[~train], y[~train]).item():.4g}")
