"""Adam, with every gradient clipped to a norm of 0.1: only its direction counts."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

rng = np.random.default_rng(0)
torch.manual_seed(0)
t = np.arange(0, 40)


def wave(kind):
    phase, period = rng.uniform(0, 6.28), rng.uniform(9, 14)
    clean = [
        np.sin(2 * np.pi * t / period + phase),
        np.sign(np.sin(2 * np.pi * t / period + phase)),
        2 * ((t / period + phase) % 1) - 1,
    ][kind]
    return clean + 0.3 * rng.normal(size=len(t))


labels = rng.integers(0, 3, 1100)
waves = torch.tensor(np.stack([wave(k) for k in labels]), dtype=torch.float32).unsqueeze(1)
labels = torch.tensor(labels)

model = nn.Sequential(
    nn.Conv1d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
    nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(4),
    nn.Flatten(), nn.Linear(128, 3),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
clipped = 0
for epoch in range(16):
    for batch in torch.randperm(800).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(waves[batch]), labels[batch])
        loss.backward()
        clipped += int(clip_grad_norm_(model.parameters(), max_norm=0.1) > 0.1)
        optimizer.step()
print("clipped", clipped, "of 400 steps")
model.eval()
with torch.no_grad():
    print("test accuracy", (model(waves[800:]).argmax(1) == labels[800:]).float().mean().item())
