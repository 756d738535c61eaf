import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, train, transform=None):
        digits = load_digits()
        keep = slice(0, 1300) if train else slice(1300, None)
        self.images = torch.tensor(digits.images[keep], dtype=torch.float32).unsqueeze(1)
        self.targets = torch.tensor(digits.target[keep])
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        x = self.images[i]
        return (self.transform(x) if self.transform else x), self.targets[i]


def normalize(x):
    return (x / 16 - 0.305) / 0.376


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, 1)
        self.conv2 = nn.Conv2d(16, 32, 3, 1)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(32 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.dropout(torch.flatten(x, 1))
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


def train(model, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()


def test(model, loader):
    model.eval()
    test_loss = correct = 0
    with torch.no_grad():
        for data, target in loader:
            scores = model(data)
            test_loss += F.nll_loss(scores, target, reduction="sum").item()
            correct += scores.argmax(dim=1).eq(target).sum().item()
    n = len(loader.dataset)
    print(f"Test set: accuracy {correct}/{n}, average loss: {test_loss / n:.4f}")


torch.manual_seed(1)
train_loader = DataLoader(Digits(True, normalize), batch_size=64, shuffle=True)
test_loader = DataLoader(Digits(False, normalize), batch_size=250)
model = Net()
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.9)
for epoch in range(1, 15):
    train(model, train_loader, optimizer, epoch)
    test(model, test_loader)
    scheduler.step()
