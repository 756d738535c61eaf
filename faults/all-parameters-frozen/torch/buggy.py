import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)

# pretrain on the digits 0..4
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 5))
small = y < 5
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
for epoch in range(5):
    for xb, yb in DataLoader(TensorDataset(x[small], y[small]), batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print("pretrained, loss", loss.item())

# then train a new last layer for the digits 5..9 on top of the frozen features
model[4] = nn.Linear(64, 5)
for parameter in model.parameters():
    parameter.requires_grad = False
large = y >= 5
train = TensorDataset(x[large][:600], y[large][:600] - 5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(12):
    for xb, yb in DataLoader(train, batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print("fine-tuned, loss", loss.item())

with torch.no_grad():
    accuracy = (model(x[large][600:]).argmax(1) == y[large][600:] - 5).float().mean()
print("accuracy", accuracy.item())
