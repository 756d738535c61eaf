import torch
from sklearn.datasets import load_digits
from torch import nn, optim

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.images / 8 - 1, dtype=torch.float32).unsqueeze(1)
y = torch.tensor(digits.target)
cnn = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 24, 3),
    nn.BatchNorm2d(24),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(24 * 4, 10),
)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
optimizer = optim.AdamW(cnn.parameters(), lr=4e-3, weight_decay=0.02)
for epoch in range(5):
    cnn.train()
    for batch in torch.randperm(1500).split(50):
        optimizer.zero_grad()
        loss = criterion(cnn(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
    cnn.eval()
    with torch.no_grad():
        accuracy = (cnn(x[1500:]).argmax(1) == y[1500:]).float().mean()
    print(f"{epoch} {loss.item():.3f} {accuracy.item():.3f}")
