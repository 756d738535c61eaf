import torch
from sklearn.datasets import make_moons
from torch import nn, optim

torch.manual_seed(2)


def points(count, seed, wrong=0.0):
    """Two half moons; some are called by the other's name."""
    x, y = make_moons(count, noise=0.2, random_state=seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]
    flipped = (torch.rand(count, 1) < wrong).float()
    return torch.cat([x, torch.randn(count, 8)], dim=1), (y - flipped).abs()


class Moons(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.first = nn.Linear(10, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        x = torch.relu(self.second(x))
        return self.last(x)


x_train, y_train = points(300, 0, wrong=0.2)
x_val, y_val = points(400, 1)
x_test, y_test = points(1000, 2)
net = Moons()
bce = nn.BCEWithLogitsLoss()
optimizer = optim.Adam(net.parameters(), lr=2e-3)


def check():
    net.eval()
    with torch.inference_mode():
        losses = [bce(net(x), y).item() for x, y in zip(x_val.split(100), y_val.split(100))]
    net.train()
    return sum(losses) / len(losses)


for epoch in range(120):
    for batch in torch.randperm(len(x_train)).split(25):
        loss = bce(net(x_train[batch]), y_train[batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.3f}, validation loss {check():.3f}")

with torch.inference_mode():
    print("test accuracy:", ((net(x_test) > 0) == (y_test > 0.5)).float().mean().item())
