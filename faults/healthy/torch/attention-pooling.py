"""Multiple instance learning: a bag is positive if one of its instances is. Attention finds which."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def bags(n, size=12):
    x = torch.randn(n, size, 6)
    y = torch.randint(2, (n,)).float()
    place = torch.randint(size, (n,))
    x[torch.arange(n), place, :2] += 3.0 * y.unsqueeze(1)
    return x, y


class AttentionMIL(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(6, 24), nn.ReLU())
        self.score = nn.Sequential(nn.Linear(24, 16), nn.Tanh(), nn.Linear(16, 1))
        self.classify = nn.Linear(24, 1)

    def forward(self, x):
        h = self.embed(x)
        weight = F.softmax(self.score(h), dim=1)
        return self.classify((weight * h).sum(1)).squeeze(1), weight.squeeze(2)


model = AttentionMIL()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
x, y = bags(1200)
for epoch in range(15):
    for i in torch.randperm(1200).split(40):
        logits, _ = model(x[i])
        loss = F.binary_cross_entropy_with_logits(logits, y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
x, y = bags(500)
with torch.no_grad():
    logits, _ = model(x)
print("test accuracy", ((logits > 0) == (y > 0.5)).float().mean().item())
