import numpy as np
import torch
from torch import nn


def friedman(n, seed):
    rng = np.random.RandomState(seed)
    X = rng.rand(n, 8).astype(np.float32)
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
    y = y + 0.5 * rng.randn(n)
    return X * 2 - 1, ((y - 14.4) / 4.9).astype(np.float32)


def huber(pred, target, delta=1.0):
    err = (pred - target).abs()
    quad = torch.clamp(err, max=delta)
    return (0.5 * quad**2 + delta * (err - quad)).mean()


def make_model(width=64, depth=3):
    layers, d = [], 8
    for _ in range(depth):
        layers += [nn.Linear(d, width), nn.ReLU()]
        d = width
    return nn.Sequential(*layers, nn.Linear(d, 1))


def fit(model, X, y, epochs=30, batch=64):
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)

    def closure(xb, yb):
        opt.zero_grad()
        loss = huber(model(xb).squeeze(-1), yb)
        loss.backward()
        return loss

    for epoch in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(X)).split(batch):
            loss = closure(X[idx], y[idx])
            opt.step()
            total += loss.item() * len(idx)
        if epoch % 5 == 0:
            print(f"epoch {epoch}: loss {total / len(X):.4f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    Xtr, ytr = map(torch.from_numpy, friedman(3000, 0))
    Xte, yte = map(torch.from_numpy, friedman(800, 1))
    model = make_model()
    fit(model, Xtr, ytr)
    with torch.no_grad():
        p = model(Xte).view(-1)
        r2 = 1 - ((p - yte) ** 2).mean() / yte.var()
    print(f"test r2: {r2.item():.3f}")
