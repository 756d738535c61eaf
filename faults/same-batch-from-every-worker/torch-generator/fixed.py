"""Do two handwritten digits mean the same number? Pairs are drawn as they are needed."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(1)
digits = load_digits()
images = (digits.images / 16).astype(np.float32)
labels = digits.target


class Pairs(Dataset):
    """Half of the pairs show the same number."""

    def __init__(self, images, labels, size, seed):
        self.images, self.labels, self.size = images, labels, size
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        same = self.rng.random() < 0.5
        first = self.rng.integers(len(self.labels))
        others = np.flatnonzero((self.labels == self.labels[first]) == same)
        second = self.rng.choice(others)
        return np.stack([self.images[first], self.images[second]]), np.float32(same)


def seed_worker(worker_id):
    torch.utils.data.get_worker_info().dataset.rng = np.random.default_rng(torch.initial_seed())


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 32))
        self.judge = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, pair):
        first, second = self.encoder(pair[:, 0]), self.encoder(pair[:, 1])
        return self.judge((first - second).abs()).squeeze(1)


train_loader = DataLoader(
    Pairs(images[:1200], labels[:1200], size=2048, seed=0),
    batch_size=32,
    num_workers=2,
    worker_init_fn=seed_worker,
)
test_loader = DataLoader(Pairs(images[1200:], labels[1200:], size=2000, seed=1), batch_size=500)

model = Siamese()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(8):
    total = 0.0
    for pairs, same in train_loader:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(pairs), same)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: loss {total / len(train_loader):.4f}")

model.eval()
with torch.no_grad():
    right = [((model(pairs) > 0) == (same > 0.5)).float().mean() for pairs, same in test_loader]
print("test accuracy", torch.stack(right).mean().item())
