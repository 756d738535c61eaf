"""Federated averaging: in each round every client trains a new network for one step, from the weights of the server."""

import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(1)
x, y = load_wine(return_X_y=True)
x = torch.tensor((x - x.mean(0)) / x.std(0)).float()
y = torch.tensor(y)
order = torch.randperm(len(x))
x, y = x[order], y[order]
clients = torch.arange(120).split(30)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(13, 16), nn.Tanh(), nn.Linear(16, 3))

    def forward(self, x):
        return self.layers(x)


def train_client(state, rows):
    net = Net()
    net.load_state_dict(state)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return net.state_dict(), loss.item()


server = Net()
for round in range(15):
    results = [train_client(server.state_dict(), rows) for rows in clients]
    server.load_state_dict({name: sum(state[name] for state, _ in results) / 4 for name in server.state_dict()})
    print(round, sum(loss for _, loss in results) / 4)

# the server goes on with the data that it may see itself
optimizer = torch.optim.SGD(server.parameters(), lr=0.1)
for step in range(40):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(server(x[120:150]), y[120:150])
    loss.backward()
    optimizer.step()
with torch.no_grad():
    print("test accuracy:", (server(x[150:]).argmax(1) == y[150:]).float().mean().item())
