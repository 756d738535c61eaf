import torch
from sklearn.datasets import load_digits
from sklearn.utils import shuffle
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
images, digits = load_digits(return_X_y=True)
images = (images / 16).astype("float32")
x_train, y_train = shuffle(images[:1300], digits[:1300], random_state=0)
x_val, y_val = images[1300:], digits[1300:]
train_loader = DataLoader(TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train)), 64, shuffle=True)
val_loader = DataLoader(TensorDataset(torch.from_numpy(x_val), torch.from_numpy(y_val)), 256)

model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(60):
    model.train()
    total = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    model.eval()
    val_loss = correct = 0
    with torch.no_grad():
        for x, y in val_loader:
            scores = model(x)
            val_loss += criterion(scores, y).item() * len(x)
            correct += (scores.argmax(1) == y).sum().item()
    if epoch % 10 == 9:
        print(f"{epoch + 1}: train {total / len(x_train):.3f}, validation {val_loss / len(x_val):.3f}")
print("validation accuracy", correct / len(x_val))
