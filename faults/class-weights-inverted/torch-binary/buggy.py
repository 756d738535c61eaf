import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import make_moons
from sklearn.metrics import recall_score
from torch import nn

rng = np.random.default_rng(8)
torch.manual_seed(8)


def events(n_quiet, n_alarm):
    """Two sensors; few of the events are alarms."""
    points, kind = make_moons((n_quiet, n_alarm), noise=0.3, random_state=int(rng.integers(1000)))
    return torch.tensor(points, dtype=torch.float32), torch.tensor(kind, dtype=torch.float32)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 32)
        self.second = nn.Linear(32, 16)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        h = torch.relu(self.first(x))
        h = torch.relu(self.second(h))
        return self.out(h).squeeze(1)


x, y = events(1800, 200)
positives = y.sum()
negatives = len(y) - positives
pos_weight = positives / negatives

detector = Detector()
optimizer = torch.optim.AdamW(detector.parameters(), lr=0.004)
for epoch in range(15):
    for batch in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(detector(x[batch]), y[batch], pos_weight=pos_weight)
        loss.backward()
        optimizer.step()

x, y = events(900, 100)
with torch.no_grad():
    alarm = detector(x) > 0
print("share of the alarms that were found:", recall_score(y, alarm))
