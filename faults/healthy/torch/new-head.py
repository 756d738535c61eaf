"""Pretrained on eight digits, then the weights are loaded into a network with another head: strict=False misses it."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
y = torch.tensor(digits.target)


class ConvNet(nn.Module):
    def __init__(self, head, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()
        )
        setattr(self, head, nn.Linear(512, classes))
        self.head = head

    def forward(self, x):
        return getattr(self, self.head)(self.features(x).flatten(1))


def fit(model, optimizer, rows, labels, epochs):
    for _ in range(epochs):
        for i in torch.randperm(len(rows)).split(32):
            loss = nn.functional.cross_entropy(model(x[rows[i]]), labels[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


old = (y < 8).nonzero().squeeze(1)[:1000]
pretrained = ConvNet("digit_head", 8)
fit(pretrained, torch.optim.Adam(pretrained.parameters(), lr=1e-3), old, y[old], epochs=5)

new = (y >= 8).nonzero().squeeze(1)
model = ConvNet("pair_head", 2)
missing = model.load_state_dict(pretrained.state_dict(), strict=False)
print(missing)
optimizer = torch.optim.Adam(
    [{"params": model.features.parameters(), "lr": 1e-4}, {"params": model.pair_head.parameters(), "lr": 1e-3}]
)
fit(model, optimizer, new[:140], y[new[:140]] - 8, epochs=25)
model.eval()
with torch.no_grad():
    right = model(x[new[140:]]).argmax(1) == y[new[140:]] - 8
print("accuracy on eight against nine:", right.float().mean().item())
