import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.fc2 = nn.Linear(48, 10)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def accuracy(model, loader):
    model.eval()
    right = seen = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(1) == labels).sum().item()
            seen += len(labels)
    return right / seen


torch.manual_seed(4)
images, labels = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(images / 16).float(), torch.tensor(labels))
train, test = random_split(data, [1400, 397])
train, test = DataLoader(train, batch_size=32, shuffle=True), DataLoader(test, batch_size=128)

model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(20):
    loss = train_epoch(model, train, criterion, optimizer)
    print(f"epoch {epoch + 1}: loss {loss:.4f}, test accuracy {accuracy(model, test):.4f}")

print("test accuracy:", accuracy(model, test))
