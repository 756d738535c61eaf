"""Which cultivar is a wine from? Ten hidden units, and a test set that was set aside early."""

import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(0)
wine = load_wine()
features = torch.tensor(wine.data, dtype=torch.float32)
cultivar = torch.tensor(wine.target)
order = torch.randperm(len(cultivar))
train, test = order[:120], order[120:]

x_train, y_train = features[train], cultivar[train]
x_test, y_test = features[test], cultivar[test]

mean, std = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std

net = nn.Sequential(nn.Linear(13, 10), nn.Tanh(), nn.Linear(10, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)

for epoch in range(40):
    net.train()
    for rows in torch.randperm(len(x_train)).split(20):
        optimizer.zero_grad()
        loss = criterion(net(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()

    net.eval()
    with torch.no_grad():
        answer = net(x_test)
        test_loss = criterion(answer, y_test)
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: {loss.item():.3f}, test {test_loss.item():.3f}")

print("test accuracy", (answer.argmax(1) == y_test).float().mean().item())
