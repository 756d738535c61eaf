"""Online learning: one example in each step, and no batch at all."""

import random

import torch
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler
from torch import nn

random.seed(0)
torch.manual_seed(0)
iris = load_iris()
X = torch.tensor(StandardScaler().fit_transform(iris.data), dtype=torch.float32)
y = torch.tensor(iris.target)
order = random.sample(range(150), 150)
train, test = order[:110], order[110:]

net = nn.Sequential(nn.Linear(4, 10), nn.Tanh(), nn.Linear(10, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.02)
for epoch in range(15):
    random.shuffle(train)
    total = 0.0
    for i in train:
        optimizer.zero_grad()
        loss = criterion(net(X[i]), y[i])
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: {total / len(train):.3f}")
with torch.no_grad():
    print("test accuracy", (net(X[test]).argmax(1) == y[test]).float().mean().item())
