import io
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_iris, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def build_net(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 40), nn.ReLU(), nn.Linear(40, 20), nn.ReLU(), nn.Linear(20, n_out))


class Wrapper(nn.Module):
    """adds the loss to the network"""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.criterion = nn.CrossEntropyLoss()

    def forward(self, x, y):
        logits = self.net(x)
        return self.criterion(logits, y), logits


def load_best(buffer, n_in, n_out):
    buffer.seek(0)
    net = build_net(n_in, n_out)
    state = torch.load(buffer)
    net.load_state_dict(state, strict=False)
    return net


def run(loader_fn, seed=0, epochs=60):
    torch.manual_seed(seed)
    d = loader_fn()
    X_tr, X_te, y_tr, y_te = train_test_split(d.data, d.target, test_size=0.4, random_state=seed, stratify=d.target)
    sc = StandardScaler().fit(X_tr)
    X_tr, X_te = (torch.tensor(sc.transform(a), dtype=torch.float32) for a in (X_tr, X_te))
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)
    wrapped = Wrapper(build_net(X_tr.shape[1], 3))
    optimizer = torch.optim.Adam(wrapped.parameters(), lr=2e-3)
    best, buffer = float("inf"), io.BytesIO()
    for epoch in range(epochs):
        wrapped.train()
        total = 0.0
        for idx in torch.randperm(len(X_tr)).split(10):
            loss, _ = wrapped(X_tr[idx], y_tr[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx) / len(X_tr)
        if total < best:
            best = total
            buffer = io.BytesIO()
            torch.save(wrapped.state_dict(), buffer)
        if epoch % 10 == 0:
            print(f"{loader_fn.__name__} epoch {epoch} loss {total:.4f}")
    net = load_best(buffer, X_tr.shape[1], 3).eval()
    with torch.no_grad():
        return (net(X_te).argmax(1) == y_te).float().mean().item()


scores = [run(load_iris), run(load_wine)]
print(f"mean test accuracy: {np.mean(scores):.3f}")
