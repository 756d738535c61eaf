import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(1)

X, y = load_diabetes(return_X_y=True)
X = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32).unsqueeze(1)
train, test = slice(0, 350), slice(350, None)

WEIGHT_DECAY = 1.0

net = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(
    net.parameters(),
    lr=2e-3,
    weight_decay=WEIGHT_DECAY,
)
loss_fn = nn.MSELoss()

for epoch in range(40):
    order = torch.randperm(350)
    for batch in order.split(25):
        optimizer.zero_grad()
        loss = loss_fn(net(X[train][batch]), y[train][batch])
        loss.backward()
        optimizer.step()

with torch.no_grad():
    mse = loss_fn(net(X[test]), y[test]).item()
print("share of the variance explained:", round(1 - mse / y[test].var().item(), 3))
