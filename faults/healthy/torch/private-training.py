"""Differentially private training: each example's gradient is clipped by itself, gathered by hand, and covered with noise."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from torch import nn

torch.manual_seed(3)
data = load_breast_cancer()
order = torch.randperm(569)
x = torch.tensor(scale(data.data), dtype=torch.float32)[order]
y = torch.tensor(data.target)[order]

model = nn.Sequential(nn.Linear(30, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
criterion = nn.CrossEntropyLoss()
largest, noise = 1.0, 0.6

for epoch in range(4):
    for batch in torch.randperm(440).split(40):
        gathered = [torch.zeros_like(p) for p in model.parameters()]
        for i in batch:
            optimizer.zero_grad()
            loss = criterion(model(x[i : i + 1]), y[i : i + 1])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), largest)
            for total, p in zip(gathered, model.parameters()):
                total += p.grad
        for total, p in zip(gathered, model.parameters()):
            p.grad = (total + noise * largest * torch.randn_like(p)) / len(batch)
        optimizer.step()
    print(f"epoch {epoch}: last loss {loss.item():.3f}")

with torch.no_grad():
    print("test accuracy:", (model(x[440:]).argmax(1) == y[440:]).float().mean().item())
