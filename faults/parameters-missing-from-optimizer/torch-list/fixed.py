import torch
from torch import nn


class DeepNet(nn.Module):
    def __init__(self, width=32, depth=4):
        super().__init__()
        self.first = nn.Linear(5, width)
        self.blocks = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        for block in self.blocks:
            x = torch.tanh(block(x))
        return self.last(x)


torch.manual_seed(3)
x = torch.rand(2400, 5) * 2 - 1
y = torch.sin(4 * x[:, :1] * x[:, 1:2]) + x[:, 2:3] ** 2 - torch.cos(3 * x[:, 3:4]) * x[:, 4:]
y = (y - y.mean()) / y.std()

net = DeepNet()
print(sum(p.numel() for p in net.parameters()), "parameters")
optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
for epoch in range(20):
    for i in range(0, 2000, 50):
        loss = nn.functional.mse_loss(net(x[i : i + 50]), y[i : i + 50])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print("epoch", epoch, loss.item())

with torch.no_grad():
    print("test loss", nn.functional.mse_loss(net(x[2000:]), y[2000:]).item())
