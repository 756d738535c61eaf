import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1)
np.random.seed(1)


class Backbone(nn.Module):
    """Fixed random features."""

    def __init__(self, n_in, n_features):
        super().__init__()
        self.project = nn.Linear(n_in, n_features)

    def forward(self, x):
        return torch.cos(self.project(x))


class KernelMachine(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone(2, 200)
        self.head = nn.Linear(200, 1)

    def forward(self, x):
        return self.head(self.backbone(x))


theta = np.random.uniform(0.5, 3 * np.pi, 1600)
arm = np.random.randint(0, 2, 1600)
spiral = np.stack([theta * np.cos(theta + np.pi * arm), theta * np.sin(theta + np.pi * arm)], axis=1) / 3
x = torch.tensor(spiral + 0.05 * np.random.randn(1600, 2), dtype=torch.float32)
y = torch.tensor(arm, dtype=torch.float32).unsqueeze(1)

model = KernelMachine()
nn.init.normal_(model.backbone.project.weight, std=2.5)
nn.init.uniform_(model.backbone.project.bias, 0, 2 * np.pi)
for p in model.backbone.parameters():
    p.requires_grad_(False)
optimizer = torch.optim.Adam(model.backbone.parameters(), lr=0.02)

for epoch in range(20):
    for i in range(0, 1300, 50):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x[i : i + 50]), y[i : i + 50])
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print("epoch", epoch, "loss", loss.item())

with torch.no_grad():
    print("accuracy", ((model(x[1300:]) > 0) == (y[1300:] > 0.5)).float().mean().item())
