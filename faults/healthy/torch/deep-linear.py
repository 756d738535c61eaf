import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(1)
x, y = load_diabetes(return_X_y=True, scaled=False)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32).unsqueeze(1)
x, y = (x - x.mean(dim=0)) / x.std(dim=0), (y - y.mean()) / y.std()

model = nn.Sequential(nn.Linear(10, 32), nn.Linear(32, 32), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(40):
    for rows in torch.randperm(350).split(16):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

print("share of the variance that is left:", (nn.functional.mse_loss(model(x[350:]), y[350:]) / y[350:].var()).item())
