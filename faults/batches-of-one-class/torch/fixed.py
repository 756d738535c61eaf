"""Recognize handwritten digits; the files lie in one folder for each digit."""

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Folders(Dataset):
    """The images as a directory listing gives them: all of folder 0, all of folder 1, ..."""

    def __init__(self, images, labels):
        self.items = sorted(zip(labels.tolist(), range(len(labels))))
        self.images = images

    def __len__(self):
        return len(self.items)

    def __getitem__(self, at):
        label, number = self.items[at]
        return torch.tensor(self.images[number] / 16, dtype=torch.float32).view(1, 8, 8), label


digits = load_digits()
train_x, test_x, train_y, test_y = train_test_split(digits.images, digits.target, test_size=0.25, random_state=0)
train_loader = DataLoader(Folders(train_x, train_y), batch_size=32, shuffle=True)
test_loader = DataLoader(Folders(test_x, test_y), batch_size=128)

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(256, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(6):
    model.train()
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for images, labels in test_loader:
            right += (model(images).argmax(1) == labels).sum().item()
    print(f"epoch {epoch}: last loss {loss.item():.4f}, test accuracy {right / len(test_y):.3f}")
print("test accuracy", right / len(test_y))
