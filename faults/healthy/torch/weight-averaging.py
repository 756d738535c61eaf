"""SWA: a cyclic rate, and an average of the weights that batch normalization has to be measured for again."""

import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(13)
X, y = make_classification(2500, n_features=20, n_informative=8, n_classes=4, class_sep=1.5, random_state=13)
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
loader = DataLoader(TensorDataset(X[:2000], y[:2000]), batch_size=50, shuffle=True)

model = nn.Sequential(
    nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 4)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
cyclic = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=120)
swa_model, swa_scheduler = AveragedModel(model), SWALR(optimizer, swa_lr=0.02)
for epoch in range(15):
    for xb, yb in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(xb), yb).backward()
        optimizer.step()
        if epoch < 9:
            cyclic.step()
    if epoch >= 9:
        swa_model.update_parameters(model)
        swa_scheduler.step()
update_bn(loader, swa_model)
swa_model.eval()
with torch.no_grad():
    print("accuracy of the average", (swa_model(X[2000:]).argmax(1) == y[2000:]).float().mean().item())
