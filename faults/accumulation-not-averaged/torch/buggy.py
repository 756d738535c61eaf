from dataclasses import dataclass
import numpy as np
import torch
from torch import nn
from sklearn.datasets import load_digits


@dataclass
class TrainConfig:
    micro_batch: int = 8
    accum_steps: int = 16
    lr: float = 0.08
    momentum: float = 0.9
    epochs: int = 30


class ResBlock(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.lin1 = nn.Linear(d, d)
        self.lin2 = nn.Linear(d, d)

    def forward(self, x):
        return x + self.lin2(torch.relu(self.lin1(x)))


def accuracy(model, X, y):
    model.eval()
    with torch.no_grad():
        return (model(X).argmax(-1) == y).float().mean().item()


def main(cfg: TrainConfig):
    torch.manual_seed(0)
    X, y = load_digits(return_X_y=True)
    X = torch.tensor((X - 4.88) / 6.02, dtype=torch.float32)
    y = torch.tensor(y)
    perm = torch.randperm(len(X))
    tr, te = perm[:1280], perm[1280:]
    model = nn.Sequential(nn.Linear(64, 64), ResBlock(64), ResBlock(64), ResBlock(64), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(cfg.epochs):
        model.train()
        shuffled = tr[torch.randperm(len(tr))]
        running = 0.0
        optimizer.zero_grad()
        n_micro = len(shuffled) // cfg.micro_batch
        for step in range(n_micro):
            idx = shuffled[step * cfg.micro_batch : (step + 1) * cfg.micro_batch]
            loss = criterion(model(X[idx]), y[idx])
            loss.backward()
            running += loss.item()
            if (step + 1) % cfg.accum_steps == 0:
                optimizer.step()
                optimizer.zero_grad()
        if epoch % 3 == 0:
            print(f"epoch {epoch} loss {running / n_micro:.4f}")
    print(f"test accuracy: {accuracy(model, X[te], y[te]):.3f}")


main(TrainConfig())
