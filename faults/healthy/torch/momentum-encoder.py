"""MoCo on digits: the keys come from a slow copy of the encoder, which the optimizer holds but never gets to change."""

import copy

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

torch.manual_seed(2)
digits = load_digits()
x = torch.tensor(digits.images / 16, dtype=torch.float32)
x = (x - x.mean(0)) / 0.3
y = digits.target


def view(images):
    moves = torch.randint(-1, 2, (len(images), 2)).tolist()
    images = torch.stack([torch.roll(image, move, dims=(0, 1)) for image, move in zip(images, moves)])
    return (images * (torch.rand_like(images) > 0.15) + 0.1 * torch.randn_like(images)).flatten(1)


class MoCo(nn.Module):
    def __init__(self, size=16, waiting=600):
        super().__init__()
        self.slow = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 32), nn.ReLU(), nn.Linear(32, size))
        self.encoder = copy.deepcopy(self.slow)
        self.register_buffer("queue", F.normalize(torch.randn(waiting, size), dim=1))

    def forward(self, one, other):
        with torch.no_grad():
            keys = F.normalize(self.slow(other), dim=1)
        queries = F.normalize(self.encoder(one), dim=1)
        scores = torch.cat([(queries * keys).sum(1, keepdim=True), queries @ self.queue.T], dim=1)
        self.queue = torch.cat([self.queue[len(keys) :], keys])
        return scores / 0.2

    @torch.no_grad()
    def follow(self, rate=0.05):
        for slow, fast in zip(self.slow.parameters(), self.encoder.parameters()):
            slow.lerp_(fast, rate)


model = MoCo()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(25):
    for rows in torch.randperm(1500).split(75):
        scores = model(view(x[rows]), view(x[rows]))
        loss = F.cross_entropy(scores, torch.zeros(len(rows), dtype=torch.long))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.follow()
    print(f"epoch {epoch}: {loss.item():.3f}")
with torch.no_grad():
    codes = model.encoder[:4](x.flatten(1)).numpy()
knn = KNeighborsClassifier(5).fit(codes[:1500], y[:1500])
print("neighbors agree:", knn.score(codes[1500:], y[1500:]))
