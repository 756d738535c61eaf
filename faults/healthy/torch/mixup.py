"""Mixup: each example is a mixture of two, and so is its label."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

rng = np.random.default_rng(2)
torch.manual_seed(2)
digits = load_digits()
x = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
y = torch.tensor(digits.target)

net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, padding=1, stride=2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 16, 10),
)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(10):
    for batch in torch.randperm(1300).split(64):
        share = rng.beta(1.0, 1.0)
        partner = batch[torch.randperm(len(batch))]
        mixed = share * x[batch] + (1 - share) * x[partner]
        logits = net(mixed)
        loss = share * F.cross_entropy(logits, y[batch]) + (1 - share) * F.cross_entropy(logits, y[partner])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}")
with torch.no_grad():
    print("test accuracy:", (net(x[1300:]).argmax(1) == y[1300:]).float().mean().item())
