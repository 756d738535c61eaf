"""Five people labeled every sample; learn the share of their votes instead of one label."""

import numpy as np
import torch
from sklearn.datasets import make_blobs
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
points, kind = make_blobs(n_samples=2400, centers=4, cluster_std=1.2, center_box=(-6, 6), random_state=1)
votes = np.zeros((2400, 4), dtype=np.float32)
for _ in range(5):
    vote = np.where(rng.random(2400) < 0.8, kind, rng.integers(0, 4, 2400))
    votes[np.arange(2400), vote] += 1
share = torch.from_numpy(votes / 5)
points = torch.tensor(points / 4, dtype=torch.float32)


class VoteModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 32)
        self.out = nn.Linear(32, 4)

    def forward(self, x):
        return torch.softmax(self.out(torch.relu(self.hidden(x))), dim=1)


def kl_divergence(p, q):
    return (p * torch.log(p / q)).sum(dim=1).mean()


model = VoteModel()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for i in range(0, 2000, 50):
        loss = kl_divergence(share[i : i + 50], model(points[i : i + 50]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")

with torch.no_grad():
    right = model(points[2000:]).argmax(dim=1).numpy() == kind[2000:]
print("accuracy", right.mean())
