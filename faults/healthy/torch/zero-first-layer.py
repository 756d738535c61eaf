import torch
from sklearn.datasets import make_circles
from torch import nn

torch.manual_seed(0)
x, y = make_circles(1500, noise=0.1, factor=0.4, random_state=0)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)

net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
# start from a flat function
nn.init.zeros_(net[0].weight)
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(15):
    for i in range(0, 1200, 40):
        loss = nn.functional.cross_entropy(net(x[i : i + 40]), y[i : i + 40])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print("loss", loss.item())
print("accuracy", (net(x[1200:]).argmax(1) == y[1200:]).float().mean().item())
