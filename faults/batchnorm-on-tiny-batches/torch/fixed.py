import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
features, diagnosis = load_breast_cancer(return_X_y=True)
features = torch.tensor(StandardScaler().fit_transform(features), dtype=torch.float32)
diagnosis = torch.tensor(diagnosis, dtype=torch.float32)[:, None]
train_set = TensorDataset(features[:449], diagnosis[:449])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True, drop_last=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(30, 24)
        self.norm = nn.BatchNorm1d(24)
        self.fc2 = nn.Linear(24, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.norm(self.fc1(x))))


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(15):
    model.train()
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        criterion(model(inputs), labels).backward()
        optimizer.step()

model.eval()
print("test accuracy", ((model(features[449:]) > 0) == (diagnosis[449:] > 0.5)).float().mean().item())
