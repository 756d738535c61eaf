import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

torch.manual_seed(0)
KEEP = 0.9


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 64)
        self.drop1 = nn.Dropout(1 - KEEP)
        self.fc2 = nn.Linear(64, 48)
        self.drop2 = nn.Dropout(1 - KEEP)
        self.fc3 = nn.Linear(48, 32)
        self.drop3 = nn.Dropout(1 - KEEP)
        self.fc4 = nn.Linear(32, 10)

    def forward(self, x):
        x = self.drop1(torch.relu(self.fc1(x)))
        x = self.drop2(torch.relu(self.fc2(x)))
        x = self.drop3(torch.relu(self.fc3(x)))
        return self.fc4(x)


X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=0)
X_train, X_test = (torch.tensor(each, dtype=torch.float32) for each in (X_train, X_test))
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(12):
    net.train()
    for rows in torch.randperm(len(X_train)).split(32):
        optimizer.zero_grad()
        loss = criterion(net(X_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()

net.eval()
with torch.no_grad():
    accuracy = (net(X_test).argmax(dim=1) == y_test).float().mean()
print(f"test accuracy: {accuracy:.3f}")
