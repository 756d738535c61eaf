"""Training is broken off and goes on from a checkpoint, with model, optimizer and scheduler as they were."""

import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
wine = load_wine()
order = torch.randperm(178)
x = torch.tensor(StandardScaler().fit_transform(wine.data), dtype=torch.float32)[order]
y = torch.tensor(wine.target)[order]
path = Path(tempfile.mkdtemp()) / "last.pt"


def build():
    model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)
    return model, optimizer, scheduler


def train(until):
    model, optimizer, scheduler = build()
    first = 0
    if path.exists():
        saved = torch.load(path)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        first = saved["epoch"] + 1
    for epoch in range(first, until):
        for i in torch.randperm(120).split(10):
            loss = nn.functional.cross_entropy(model(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        state = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
        torch.save({"epoch": epoch, **{name: each.state_dict() for name, each in state.items()}}, path)
        print(f"epoch {epoch}: {loss.item():.4f}")
    return model


train(until=10)
model = train(until=25)
with torch.no_grad():
    print("test accuracy", (model(x[120:]).argmax(1) == y[120:]).float().mean().item())
