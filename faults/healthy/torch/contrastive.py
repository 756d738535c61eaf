"""SimCLR on digits: two noisy views of an image should be close."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.images / 16, dtype=torch.float32)
y = digits.target


def augment(images):
    dx, dy = torch.randint(-1, 2, (2,)).tolist()
    moved = torch.roll(images, (dx, dy), dims=(1, 2))
    keep = (torch.rand_like(images) > 0.15).float()
    return (moved * keep + 0.1 * torch.randn_like(images)).flatten(1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 32), nn.ReLU())
        self.projector = nn.Linear(32, 16)

    def forward(self, x):
        return F.normalize(self.projector(self.encoder(x)), dim=1)


def info_nce(a, b, temperature=0.2):
    similarity = a @ b.T / temperature
    same = torch.arange(len(a))
    return (F.cross_entropy(similarity, same) + F.cross_entropy(similarity.T, same)) / 2


net = Encoder()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(12):
    for batch in torch.randperm(1500).split(75):
        loss = info_nce(net(augment(x[batch])), net(augment(x[batch])))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
with torch.no_grad():
    codes = net.encoder(x.flatten(1)).numpy()
knn = KNeighborsClassifier(5).fit(codes[:1500], y[:1500])
print("neighbors agree:", knn.score(codes[1500:], y[1500:]))
