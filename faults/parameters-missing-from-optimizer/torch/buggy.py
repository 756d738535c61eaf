"""Take a network trained on even digits, give it a new head and go on with all digits."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, classes)

    def forward(self, x):
        return self.head(self.body(x))


def fit(net, optimizer, x, y, epochs):
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        for batch in torch.randperm(len(x)).split(40):
            optimizer.zero_grad()
            loss = criterion(net(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
        print(f"  epoch {epoch}: {loss.item():.3f}")


torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
x_train, y_train, x_test, y_test = x[:1300], y[:1300], x[1300:], y[1300:]

even = y_train % 2 == 0
net = Net(classes=5)
print("even digits")
fit(net, torch.optim.Adam(net.parameters(), lr=2e-3), x_train[even], y_train[even] // 2, epochs=5)

print("all digits")
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
net.head = nn.Linear(32, 10)
fit(net, optimizer, x_train, y_train, epochs=12)

with torch.no_grad():
    print("accuracy", (net(x_test).argmax(dim=1) == y_test).float().mean().item())
