"""Siamese network on digits: pairs of the same digit close together, others apart."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))

    def forward(self, x):
        return self.net(x)


def distance(a, b):
    return torch.sqrt(((a - b) ** 2).sum(dim=1))


def contrastive_loss(d, same, margin=2.0):
    return (same * d**2 + (1 - same) * torch.clamp(margin - d, min=0) ** 2).mean()


torch.manual_seed(1)
np.random.seed(1)
images, digits = load_digits(return_X_y=True)
images = torch.tensor(images / 16, dtype=torch.float32)
model = Embedder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for step in range(600):
    left = np.random.randint(0, 1400, 64)
    right = np.where(np.random.rand(64) < 0.5, np.random.randint(0, 1400, 64), left)
    for k in range(64):
        if right[k] == left[k]:
            right[k] = np.random.choice(np.flatnonzero(digits[:1400] == digits[left[k]]))
    same = torch.tensor(digits[left] == digits[right], dtype=torch.float32)
    loss = contrastive_loss(distance(model(images[left]), model(images[right])), same)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print("step", step, "loss", loss.item())

with torch.no_grad():
    codes = model(images)
nearest = torch.cdist(codes[1400:], codes[:1400]).nan_to_num(1e9).argmin(dim=1).numpy()
print("nearest neighbor accuracy", np.mean(digits[nearest] == digits[1400:]))
