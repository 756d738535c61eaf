"""A small U-Net marks circles and squares in noisy images; nine tenths of the pixels are background."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

rng = np.random.default_rng(5)
torch.manual_seed(5)


def picture(size=24):
    image, mask = 0.3 * rng.normal(size=(size, size)), np.zeros((size, size), int)
    rows, columns = np.mgrid[:size, :size]
    for kind in (1, 2):
        r, c, half = rng.integers(4, 20), rng.integers(4, 20), rng.integers(2, 4)
        inside = (
            np.hypot(rows - r, columns - c) <= half if kind == 1 else np.maximum(abs(rows - r), abs(columns - c)) < half
        )
        image[inside], mask[inside] = image[inside] + (1.2 if kind == 1 else -1.2), kind
    return image, mask


def block(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc1, self.enc2 = block(1, 8), block(8, 16)
        self.bottom = block(16, 32)
        self.up2, self.dec2 = nn.ConvTranspose2d(32, 16, 2, stride=2), block(32, 16)
        self.up1, self.dec1 = nn.ConvTranspose2d(16, 8, 2, stride=2), block(16, 8)
        self.classify = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        a = self.enc1(x)
        b = self.enc2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        b = self.dec2(torch.cat([self.up2(c), b], dim=1))
        a = self.dec1(torch.cat([self.up1(b), a], dim=1))
        return self.classify(a)


images, masks = zip(*[picture() for _ in range(260)])
images = torch.tensor(np.stack(images), dtype=torch.float32).unsqueeze(1)
masks = torch.tensor(np.stack(masks))
model = UNet()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for batch in torch.randperm(200).split(8):
        loss = F.cross_entropy(model(images[batch]), masks[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
model.eval()
with torch.no_grad():
    answer = model(images[200:]).argmax(1)
overlap = [((answer == k) & (masks[200:] == k)).sum() / ((answer == k) | (masks[200:] == k)).sum() for k in (1, 2)]
print("mean intersection over union", (sum(overlap) / 2).item())
