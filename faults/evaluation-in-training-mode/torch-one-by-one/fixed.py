import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import Dataset, DataLoader


class Tiles(Dataset):
    """six land-cover classes: three brightness levels, two textures"""

    def __init__(self, n, seed):
        rng = np.random.RandomState(seed)
        self.y = rng.randint(0, 6, n)
        level = (self.y % 3 - 1) * 1.2
        img = level[:, None, None] + 0.3 * rng.randn(n, 12, 12)
        stripes = np.where(np.arange(12) % 4 < 2, 0.5, -0.5)
        for k in range(n):
            img[k] += stripes[:, None] if self.y[k] >= 3 else stripes[None, :]
        self.x = img[:, None].astype(np.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, k):
        return self.x[k], self.y[k]


class TileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 24, 3)
        self.bn2 = nn.BatchNorm2d(24)
        self.fc = nn.Linear(24, 6)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def train(model, loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(epochs):
        model.train()
        tot, n = 0.0, 0
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            tot += loss.item() * len(y)
            n += len(y)
        print(f"epoch {epoch}: loss {tot / n:.4f}")


def predict(model, dataset):
    model.eval()
    preds = []
    with torch.no_grad():
        for x, _ in DataLoader(dataset, batch_size=1):
            preds.append(model(x).argmax(1).item())
    return np.array(preds)


torch.manual_seed(29)
train_set, test_set = Tiles(1200, 0), Tiles(400, 1)
net = TileNet()
train(net, DataLoader(train_set, batch_size=48, shuffle=True), 8)
print(f"test accuracy: {(predict(net, test_set) == test_set.y).mean():.3f}")
