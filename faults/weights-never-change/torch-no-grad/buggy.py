"""Which of two alarms comes first in a log? Sequences of event codes, read by a GRU."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
rng = np.random.default_rng(3)
EVENTS, LENGTH, DOOR, SMOKE = 25, 16, 4, 11

logs = rng.integers(0, EVENTS, size=(4000, LENGTH))
logs[(logs == DOOR) | (logs == SMOKE)] = 0
places = np.array([rng.choice(LENGTH, 2, replace=False) for _ in logs])
logs[np.arange(4000), places[:, 0]] = DOOR
logs[np.arange(4000), places[:, 1]] = SMOKE
first = (places[:, 0] < places[:, 1]).astype(np.int64)

logs, first = torch.from_numpy(logs), torch.from_numpy(first)
train_logs, train_first = logs[:3200], first[:3200]
test_logs, test_first = logs[3200:], first[3200:]


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(EVENTS, 8)
        self.gru = nn.GRU(8, 12, batch_first=True)
        self.out = nn.Linear(12, 2)

    def encode(self, log):
        # also used by the search index
        with torch.no_grad():
            _, last = self.gru(self.embed(log))
        return last[0]

    def forward(self, log):
        return self.out(self.encode(log))


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(15):
    total = 0.0
    for rows in torch.randperm(3200).split(64):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(train_logs[rows]), train_first[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() / 50
    print(f"epoch {epoch}: {total:.3f}")

model.eval()
with torch.no_grad():
    right = (model(test_logs).argmax(1) == test_first).float().mean().item()
print(f"test accuracy {right:.3f}")
