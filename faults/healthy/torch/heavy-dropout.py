"""Dropout of 0.5 after both hidden layers: the loss in training stays above the one in the test."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(7)
X, y = load_digits(return_X_y=True)
X = torch.from_numpy(X).float().div(16)
y = torch.from_numpy(y)
X_train, X_test = X[:1300], X[1300:]
y_train, y_test = y[:1300], y[1300:]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 128)
        self.fc3 = nn.Linear(128, 10)
        self.drop1 = nn.Dropout(0.5)
        self.drop2 = nn.Dropout(0.5)

    def forward(self, x):
        x = self.drop1(torch.relu(self.fc1(x)))
        x = self.drop2(torch.relu(self.fc2(x)))
        return self.fc3(x)


net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
lossf = nn.CrossEntropyLoss()
for epoch in range(20):
    net.train()
    perm = torch.randperm(1300)
    for i in range(0, 1300, 50):
        rows = perm[i : i + 50]
        opt.zero_grad()
        l = lossf(net(X_train[rows]), y_train[rows])
        l.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        logits = net(X_test)
    print(epoch, "train", round(l.item(), 3), "test", round(lossf(logits, y_test).item(), 3))
print("test accuracy", (logits.argmax(1) == y_test).float().mean().item())
