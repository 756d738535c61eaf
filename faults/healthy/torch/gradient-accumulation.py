import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
digits = load_digits()
x = torch.tensor(digits.data / 16, dtype=torch.float32)
y = torch.tensor(digits.target)
loader = DataLoader(TensorDataset(x[:1408], y[:1408]), batch_size=8, shuffle=True)

model = nn.Sequential(nn.Linear(64, 80), nn.GELU(), nn.Dropout(0.1), nn.Linear(80, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
accumulate = 4

for epoch in range(6):
    model.train()
    optimizer.zero_grad()
    for i, (images, labels) in enumerate(loader):
        loss = criterion(model(images), labels) / accumulate
        loss.backward()
        if (i + 1) % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        acc = (model(x[1408:]).argmax(1) == y[1408:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item() * accumulate:.3f} accuracy {acc:.3f}")
