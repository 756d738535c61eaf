import torch
from sklearn.datasets import make_friedman2
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = make_friedman2(n_samples=2000, noise=20.0, random_state=0)
x = torch.tensor(StandardScaler().fit_transform(x), dtype=torch.float32)
y = torch.tensor(StandardScaler().fit_transform(y[:, None]), dtype=torch.float32)
loader = DataLoader(TensorDataset(x[:1600], y[:1600]), batch_size=64, shuffle=True)

model = nn.Sequential(nn.Linear(4, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
criterion = nn.MSELoss(reduction="mean")
optimizer = torch.optim.SGD(model.parameters(), lr=0.03)

for epoch in range(12):
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, loss.item())

with torch.no_grad():
    print("test mean squared error:", (model(x[1600:]) - y[1600:]).square().mean().item())
