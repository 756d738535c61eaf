"""A classifier of handwritten digits that gives log-probabilities."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.dropout = nn.Dropout(0.2)
        self.fc2 = nn.Linear(48, 10)

    def forward(self, x):
        x = self.dropout(F.relu(self.fc1(x)))
        output = F.log_softmax(self.fc2(x), dim=1)
        return output


data, target = load_digits(return_X_y=True)
data = torch.tensor(data / 16.0, dtype=torch.float32)
target = torch.tensor(target)
train = DataLoader(TensorDataset(data[:1400], target[:1400]), batch_size=50, shuffle=True)

model = Net()
optimizer = optim.Adam(model.parameters(), lr=0.002)

for epoch in range(12):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = F.nll_loss(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")

model.eval()
with torch.no_grad():
    test_loss = F.nll_loss(model(data[1400:]), target[1400:])
print("test loss:", test_loss.item())
