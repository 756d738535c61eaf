import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(21)
digits = load_digits()
images = torch.tensor(digits.data / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
targets = labels.float().unsqueeze(1)

loader = DataLoader(TensorDataset(images[:1500], targets[:1500]), batch_size=30, shuffle=True)

model = nn.Sequential(
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)

for epoch in range(15):
    total_loss = 0.0
    for x, t in loader:
        y = model(x)
        loss = criterion(y, t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total_loss += loss.item()
    print(f"epoch {epoch + 1}, loss {total_loss / len(loader):.4f}")

with torch.no_grad():
    predicted = model(images[1500:]).argmax(dim=1)
print(f"accuracy {(predicted == labels[1500:]).float().mean().item():.3f}")
