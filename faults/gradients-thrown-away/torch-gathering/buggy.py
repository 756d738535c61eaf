import torch
import torch.nn.functional as F
from sklearn.datasets import make_regression
from torch import nn

torch.manual_seed(8)
x, y = make_regression(n_samples=2200, n_features=30, n_informative=20, noise=20.0, random_state=8)
x, y = torch.tensor(x).float(), torch.tensor(y / y.std()).float()
x_train, y_train, x_test, y_test = x[:2000], y[:2000], x[2000:], y[2000:]

net = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
gathered = 20  # batches of two, for one step

for epoch in range(8):
    total = 0.0
    for i, rows in enumerate(torch.randperm(2000).split(2)):
        loss = F.mse_loss(net(x_train[rows]).squeeze(1), y_train[rows]) / gathered
        loss.backward()
        total += loss.item()
        if (i + 1) % gathered == 0:
            optimizer.step()
        optimizer.zero_grad()
    print(f"epoch {epoch}: {total / 1000 * gathered:.4f}")

with torch.no_grad():
    print("test error:", F.mse_loss(net(x_test).squeeze(1), y_test).item())
