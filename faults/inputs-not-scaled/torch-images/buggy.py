"""Tell horizontal from vertical from diagonal stripes with a small CNN."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim


def make_images(count, rng):
    images = rng.integers(0, 60, size=(count, 1, 16, 16))
    labels = rng.integers(0, 3, size=count)
    for image, label in zip(images, labels):
        for _ in range(3):
            k = rng.integers(2, 14)
            if label == 0:
                image[0, k, 2:14] = 255
            elif label == 1:
                image[0, 2:14, k] = 255
            else:
                for i in range(12):
                    image[0, i + 2, (i + k) % 16] = 255
    return images.astype(np.uint8), labels


class StripeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc1 = nn.Linear(16 * 4 * 4, 32)
        self.fc2 = nn.Linear(32, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


def main():
    torch.manual_seed(7)
    rng = np.random.default_rng(7)
    train_images, train_labels = make_images(1200, rng)
    test_images, test_labels = make_images(300, rng)
    train_x = torch.from_numpy(train_images).float()
    test_x = torch.from_numpy(test_images).float()
    train_y, test_y = torch.from_numpy(train_labels), torch.from_numpy(test_labels)

    net = StripeNet()
    opt = optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
    for epoch in range(8):
        order = torch.randperm(len(train_x))
        for batch in order.split(32):
            opt.zero_grad()
            logits = net(train_x[batch])
            loss = F.cross_entropy(logits, train_y[batch])
            loss.backward()
            opt.step()
        with torch.no_grad():
            acc = (net(test_x).argmax(1) == test_y).float().mean()
        print(f"epoch {epoch}  loss {loss.item():.3f}  acc {acc:.3f}")


if __name__ == "__main__":
    main()
