import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(2)
digits = load_digits()
images = torch.tensor(digits.images / 16, dtype=torch.float32)[:, None]
labels = torch.tensor(digits.target)

# The batches are as small as for images that fill the memory.
model = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1),
    nn.BatchNorm2d(12),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 3, padding=1),
    nn.BatchNorm2d(24),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(24 * 16, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.002, momentum=0.9)
criterion = nn.CrossEntropyLoss()

for epoch in range(2):
    model.train()
    for pair in torch.randperm(1400).split(2):
        optimizer.zero_grad()
        criterion(model(images[pair]), labels[pair]).backward()
        optimizer.step()

model.eval()
print("accuracy", (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item())
