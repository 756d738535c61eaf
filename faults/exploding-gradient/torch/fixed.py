import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)


class DeepClassifier(nn.Module):
    def __init__(self, dim=30, width=64, depth=8):
        super().__init__()
        self.blocks = nn.Sequential()
        for _ in range(depth):
            self.blocks.append(nn.Linear(dim, width))
            self.blocks.append(nn.ReLU())
            dim = width
        self.head = nn.Linear(width, 1)
        self.apply(self._init)

    @staticmethod
    def _init(module):
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)

    def forward(self, x):
        return self.head(self.blocks(x)).squeeze(-1)


data = load_breast_cancer()
train_x, test_x, train_y, test_y = train_test_split(data.data, data.target, random_state=0)
scaler = StandardScaler().fit(train_x)
train_x = torch.tensor(scaler.transform(train_x), dtype=torch.float32)
test_x = torch.tensor(scaler.transform(test_x), dtype=torch.float32)
train_y = torch.tensor(train_y, dtype=torch.float32)
test_y = torch.tensor(test_y, dtype=torch.float32)

model = DeepClassifier()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(30):
    for i in range(0, len(train_x), 32):
        optimizer.zero_grad()
        loss = criterion(model(train_x[i : i + 32]), train_y[i : i + 32])
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1} loss {loss.item()}")

model.eval()
with torch.no_grad():
    test_loss = criterion(model(test_x), test_y).item()
print("test loss", test_loss)
