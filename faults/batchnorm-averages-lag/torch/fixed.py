import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader


class Vibration(Dataset):
    """raw accelerometer counts, four machine states"""

    def __init__(self, n, seed, length=64):
        rng = np.random.RandomState(seed)
        t = np.arange(length)
        self.items = []
        for k in range(n):
            c = k % 4
            period = [6, 9, 13, 19][c] * rng.uniform(0.95, 1.05)
            s = 6 * np.sin(2 * np.pi * t / period + rng.uniform(0, 6.3)) + 3 * rng.randn(length) + 12
            self.items.append((torch.tensor(s, dtype=torch.float32)[None], c))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def conv_block(cin, cout, k, bn_momentum=0.1):
    return nn.Sequential(
        nn.Conv1d(cin, cout, k, padding=k // 2, bias=False),
        nn.BatchNorm1d(cout, momentum=bn_momentum),
        nn.ReLU(),
        nn.MaxPool1d(2),
    )


class StateNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(conv_block(1, 16, 9), conv_block(16, 32, 5))
        self.head = nn.ModuleDict({"state": nn.Linear(32, 4)})

    def forward(self, x):
        z = self.blocks(x).amax(-1)
        return self.head["state"](z)


torch.manual_seed(4)
train_loader = DataLoader(Vibration(1200, 0), batch_size=40, shuffle=True)
test_loader = DataLoader(Vibration(400, 1), batch_size=40)
net = StateNet()
crit = nn.CrossEntropyLoss()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    net.train()
    run, hit = 0.0, 0
    for x, y in train_loader:
        out = net(x)
        loss = crit(out, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        run += loss.item() * len(y)
        hit += (out.argmax(1) == y).sum().item()
    print(f"epoch {epoch} loss {run / 1200:.4f} train acc {hit / 1200:.3f}")
net.eval()
with torch.no_grad():
    acc = sum((net(x).argmax(1) == y).sum().item() for x, y in test_loader) / 400
print(f"test accuracy: {acc:.3f}")
