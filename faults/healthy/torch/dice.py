import torch
from torch import nn

torch.manual_seed(9)


def ellipses(n, size=20):
    axis = torch.linspace(-1, 1, size)
    center = torch.rand(n, 2, 1, 1) * 1.2 - 0.6
    radius = 0.15 + 0.25 * torch.rand(n, 2, 1, 1)
    inside = ((axis[:, None] - center[:, 0]) / radius[:, 0]) ** 2 + ((axis - center[:, 1]) / radius[:, 1]) ** 2 < 1
    mask = inside.float().unsqueeze(1)
    return mask + 0.7 * torch.randn(n, 1, size, size), mask


def dice(probabilities, mask):
    both = (probabilities * mask).sum(dim=(1, 2, 3))
    return (2 * both + 1) / (probabilities.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3)) + 1)


net = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2),
    nn.ReLU(),
    nn.Conv2d(16, 16, 5, padding=2),
    nn.ReLU(),
    nn.Conv2d(16, 1, 1),
    nn.Sigmoid(),
)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
x, mask = ellipses(300)
for epoch in range(6):
    for batch in torch.randperm(300).split(15):
        loss = 1 - dice(net(x[batch]), mask[batch]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "dice loss", round(loss.item(), 4))
x, mask = ellipses(100)
with torch.no_grad():
    print("test dice:", dice((net(x) > 0.5).float(), mask).mean().item())
