import torch
import torch.nn.functional as F
from torch import nn

# three kinds of signals: a sine, a square wave and a sawtooth, with noise on them
torch.manual_seed(1)
N = 600
t = torch.linspace(0, 1, 40)


def signals(kind, count):
    phase, speed = torch.rand(count, 1), 1 + 2 * torch.rand(count, 1)
    angle = (t * speed + phase) % 1
    wave = [torch.sin(2 * torch.pi * angle), (angle > 0.5).float() * 2 - 1, 2 * angle - 1][kind]
    return wave + 0.3 * torch.randn(count, 40)


X = torch.cat([signals(kind, N) for kind in range(3)])
y = torch.arange(3).repeat_interleave(N)
X_val = torch.cat([signals(kind, 100) for kind in range(3)])
y_val = torch.arange(3).repeat_interleave(100)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 16, 5, padding=2)
        self.conv2 = nn.Conv1d(16, 32, 5, padding=2)
        self.out = nn.Linear(32, 3)

    def forward(self, x):
        h = F.relu(self.conv1(x.unsqueeze(1)))
        h = F.max_pool1d(h, 2)
        h = F.relu(self.conv2(h))
        return self.out(h.mean(dim=2))


net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
batch = 25
for epoch in range(8):
    order = torch.arange(len(X))
    for i in range(0, len(X), batch):
        rows = order[i : i + batch]
        loss = F.cross_entropy(net(X[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(epoch, loss.item(), (net(X_val).argmax(1) == y_val).float().mean().item())
with torch.no_grad():
    print("validation accuracy", (net(X_val).argmax(1) == y_val).float().mean().item())
