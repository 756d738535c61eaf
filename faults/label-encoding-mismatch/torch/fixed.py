import numpy as np
import torch
from sklearn.datasets import load_iris
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

torch.manual_seed(0)
iris = load_iris()
order = np.random.default_rng(0).permutation(150)
X = StandardScaler().fit_transform(iris.data)[order]
Y = iris.target[order]

X_train, X_test = torch.tensor(X[:110], dtype=torch.float32), torch.tensor(X[110:], dtype=torch.float32)
Y_train, Y_test = torch.tensor(Y[:110]), iris.target[order][110:]


class IrisNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(4, 16)
        self.l2 = nn.Linear(16, 16)
        self.l3 = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(self.l1(x))
        x = torch.relu(self.l2(x))
        return self.l3(x)


net = IrisNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)

for epoch in range(120):
    optimizer.zero_grad()
    loss = criterion(net(X_train), Y_train)
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        print(epoch, loss.item())

with torch.no_grad():
    guess = net(X_test).argmax(dim=1).numpy()
print("accuracy", np.mean(guess == Y_test))
