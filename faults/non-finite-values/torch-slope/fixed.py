import torch
from torch import nn, optim
import numpy as np

np.random.seed(5)
torch.manual_seed(5)

NPTS = 48
shapes = ["sphere", "cube", "cylinder", "torus"]


def sample_shape(kind):
    if kind == "sphere":
        p = np.random.randn(NPTS, 3)
        p /= np.linalg.norm(p, axis=1, keepdims=True)
    elif kind == "cube":
        p = np.random.uniform(-1, 1, (NPTS, 3))
        face = np.random.randint(0, 3, NPTS)
        p[np.arange(NPTS), face] = np.random.choice([-1, 1], NPTS)
    elif kind == "cylinder":
        a = np.random.uniform(0, 2 * np.pi, NPTS)
        p = np.stack([np.cos(a), np.sin(a), np.random.uniform(-1, 1, NPTS)], 1)
    else:
        a, b = np.random.uniform(0, 2 * np.pi, (2, NPTS))
        p = np.stack([(1 + 0.35 * np.cos(b)) * np.cos(a), (1 + 0.35 * np.cos(b)) * np.sin(a), 0.35 * np.sin(b)], 1)
    Q, _ = np.linalg.qr(np.random.randn(3, 3))  # random rotation
    return (p @ Q + 0.03 * np.random.randn(NPTS, 3)).astype(np.float32)


def build(n):
    pts, lab = [], []
    for i in range(n):
        c = i % 4
        pts.append(sample_shape(shapes[c]))
        lab.append(c)
    return torch.tensor(np.array(pts)), torch.tensor(lab)


class PointNetDist(nn.Module):
    """per point mlp, then statistics of feature distances + max pooling"""

    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 32))
        self.dist_fc = nn.Sequential(nn.Linear(NPTS, 32), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, pts):
        f = self.mlp(pts)  # B,N,32
        sq = ((f.unsqueeze(2) - f.unsqueeze(1)) ** 2).sum(-1)  # B,N,N
        dist = torch.sqrt(sq + 1e-8)
        d, _ = dist.sort(dim=-1)
        g1 = self.dist_fc(d).mean(1)
        g2 = f.max(dim=1)[0]
        return self.head(torch.cat([g1, g2], dim=1))


Xtr, ytr = build(640)
Xte, yte = build(200)
model = PointNetDist()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.002)

for epoch in range(20):
    order = torch.randperm(len(Xtr))
    correct = 0
    for s in range(0, len(order), 32):
        b = order[s : s + 32]
        optimizer.zero_grad()
        out = model(Xtr[b])
        loss = criterion(out, ytr[b])
        loss.backward()
        optimizer.step()
        correct += (out.argmax(1) == ytr[b]).sum().item()
    print("Epoch: %d, train acc: %.3f" % (epoch, correct / len(Xtr)))

with torch.no_grad():
    acc = (model(Xte).argmax(1) == yte).float().mean().item()
print("RESULT", round(acc, 4))
