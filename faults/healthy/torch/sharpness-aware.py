"""SAM: climb to the worst place nearby, take the gradient there, and use it back where one came from."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from torch import nn

torch.manual_seed(0)
data = load_breast_cancer()
order = torch.randperm(569)
x = torch.tensor(scale(data.data), dtype=torch.float32)[order]
y = torch.tensor(data.target, dtype=torch.float32)[order]
model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
rho = 0.05

for epoch in range(15):
    for i in torch.randperm(400).split(20):
        optimizer.zero_grad()
        loss = criterion(model(x[i]).squeeze(1), y[i])
        loss.backward()
        with torch.no_grad():
            norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
            climbs = [rho * p.grad / (norm + 1e-12) for p in model.parameters()]
            for p, climb in zip(model.parameters(), climbs):
                p.add_(climb)
        optimizer.zero_grad()
        criterion(model(x[i]).squeeze(1), y[i]).backward()
        with torch.no_grad():
            for p, climb in zip(model.parameters(), climbs):
                p.sub_(climb)
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
with torch.no_grad():
    print("test accuracy", ((model(x[400:]).squeeze(1) > 0) == (y[400:] > 0.5)).float().mean().item())
