import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Diagnoser(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.hidden = nn.Linear(features, 24)
        self.norm = nn.BatchNorm1d(24)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        return self.out(self.drop(torch.relu(self.norm(self.hidden(x))))).squeeze(1)


torch.manual_seed(4)
x, y = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, stratify=y, random_state=4)
scaler = StandardScaler().fit(x_train)
x_train, x_test = (torch.tensor(scaler.transform(each)).float() for each in (x_train, x_test))
y_train, y_test = torch.tensor(y_train).float(), torch.tensor(y_test).float()
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
criterion = nn.BCEWithLogitsLoss()

model = Diagnoser(x_train.shape[1])
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    total = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")

model.eval()
with torch.no_grad():
    answers = (model(x_test) > 0).float()
print("test accuracy:", (answers == y_test).float().mean().item())
