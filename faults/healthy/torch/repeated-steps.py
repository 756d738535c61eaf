"""Two steps on each batch of a stream that two workers read, each its own half."""

import itertools

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

torch.manual_seed(2)
images, labels = load_digits(return_X_y=True)
images, labels = torch.tensor(images, dtype=torch.float32) / 16, torch.tensor(labels)


class Shifted(IterableDataset):
    """Digits in random order, moved by up to a pixel."""

    def __iter__(self):
        info = get_worker_info()
        mine = range(info.id, 1400, info.num_workers) if info is not None else range(1400)
        for at in itertools.chain.from_iterable(itertools.repeat(mine)):
            by = torch.randint(-1, 2, (2,)).tolist()
            yield torch.roll(images[at].view(8, 8), by, (0, 1)), labels[at]


loader = DataLoader(Shifted(), batch_size=20, num_workers=2, drop_last=True)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for count, (x, y) in enumerate(itertools.islice(loader, 300)):
    for _ in range(2):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    if count % 50 == 0:
        print(f"batch {count}: {loss.item():.3f}")
with torch.no_grad():
    print("test accuracy", (model(images[1400:].view(-1, 8, 8)).argmax(1) == labels[1400:]).float().mean().item())
