import numpy as np
import torch
import torch.nn as nn
from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(21)
torch.manual_seed(21)


def load_customers(n=8000):
    age = np.random.randint(18, 80, n).astype(float)
    tenure = np.random.exponential(4, n)
    calls = np.random.poisson(3, n).astype(float)
    bill = np.random.normal(60, 20, n)
    usage = bill * np.random.normal(1, 0.3, n)
    contract = np.random.randint(0, 3, n).astype(float)
    z = (
        0.8 * (calls - 3)
        - 0.5 * tenure
        + 0.04 * (bill - 60) * (contract - 1)
        + 1.5 * np.sin(age / 9)
        + 2.0 * ((usage > bill) & (contract == 0))
        + 0.6
    )
    churn = (z + 0.4 * np.random.randn(n) > 0).astype(int)
    # usage not recorded for some customers
    usage[np.random.rand(n) < 0.035] = np.nan
    return np.column_stack([age, tenure, calls, bill, usage, contract]), churn


X, y = load_customers()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=1)
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)
X_train, X_test = np.nan_to_num(X_train), np.nan_to_num(X_test)

train_ds = TensorDataset(torch.tensor(X_train, dtype=torch.float32), torch.tensor(y_train))
test_ds = TensorDataset(torch.tensor(X_test, dtype=torch.float32), torch.tensor(y_test))
train_loader = DataLoader(train_ds, batch_size=128, shuffle=True)
test_loader = DataLoader(test_ds, batch_size=500)


class ChurnNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.fc1 = nn.Linear(n_in, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc3 = nn.Linear(64, 2)
        self.act = nn.ReLU()
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        x = self.act(self.fc1(x))
        x = self.drop(self.act(self.fc2(x)))
        return self.fc3(x)


model = ChurnNet(X_train.shape[1])
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
num_epochs = 40

for epoch in range(num_epochs):
    model.train()
    losses = []
    for inputs, labels in train_loader:
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        if torch.isnan(loss):
            continue
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if (epoch + 1) % 5 == 0 and losses:
        print(f"Epoch [{epoch + 1}/{num_epochs}] Loss: {np.mean(losses):.4f}")

model.eval()
correct = total = 0
with torch.no_grad():
    for inputs, labels in test_loader:
        _, predicted = torch.max(model(inputs), 1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()
print("RESULT %.4f" % (correct / total))
