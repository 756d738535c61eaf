"""Domain adaptation: the features should say the class but not the source, so one gradient is turned round."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


def domain(n, shifted):
    y = torch.randint(2, (n,))
    x = torch.randn(n, 6)
    x[:, 0] += 2.0 * y - 1.0
    x[:, 1] += 2.0 * y - 1.0
    if shifted:
        x[:, 5] += 2.0
    else:
        x[:, 4] += 2.0 * y - 1.0  # says the class here, and nothing there
    return x, y


class DANN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 8), nn.ReLU())
        self.label = nn.Linear(8, 2)
        self.source = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x, strength):
        h = self.features(x)
        return self.label(h), self.source(Reverse.apply(h, strength))


xs, ys = domain(1500, shifted=False)
xt, yt = domain(1500, shifted=True)
model = DANN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
here, there = torch.zeros(50, dtype=torch.long), torch.ones(50, dtype=torch.long)
for epoch in range(15):
    strength = min(1.0, epoch / 8)
    for i, j in zip(torch.randperm(1500).split(50), torch.randperm(1500).split(50)):
        labels, source = model(xs[i], strength)
        _, target = model(xt[j], strength)
        loss = F.cross_entropy(labels, ys[i]) + F.cross_entropy(source, here) + F.cross_entropy(target, there)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
with torch.no_grad():
    print("accuracy in the other domain", (model(xt, 0)[0].argmax(1) == yt).float().mean().item())
