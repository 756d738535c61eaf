"""FGSM: each batch is made worse along the gradient of the input, in evaluation mode, and then trained on."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
y = torch.tensor(digits.target)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1, stride=2), nn.ReLU(),
    nn.Flatten(), nn.Dropout(0.2), nn.Linear(512, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


def attack(images, labels, epsilon=0.1):
    model.eval()
    images = images.clone().requires_grad_(True)
    F.cross_entropy(model(images), labels).backward()
    return (images + epsilon * images.grad.sign()).clamp(0, 1).detach()


for epoch in range(8):
    for i in torch.randperm(1300).split(50):
        worse = attack(x[i], y[i])
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(worse), y[i])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")

attacked = attack(x[1300:], y[1300:])
with torch.no_grad():
    print("accuracy", (model(x[1300:]).argmax(1) == y[1300:]).float().mean().item())
    print("accuracy under attack", (model(attacked).argmax(1) == y[1300:]).float().mean().item())
