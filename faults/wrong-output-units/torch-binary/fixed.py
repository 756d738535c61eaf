import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale
from torch import nn

torch.manual_seed(4)
X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(scale(X), y, test_size=0.3, random_state=4)
X_train, X_test = torch.tensor(X_train).float(), torch.tensor(X_test).float()
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

model = nn.Sequential(
    nn.Linear(4, 12),
    nn.ReLU(),
    nn.Linear(12, 3),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(60):
    for i in range(0, len(X_train), 15):
        output = model(X_train[i : i + 15])
        loss = criterion(output, y_train[i : i + 15])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if (epoch + 1) % 20 == 0:
        print(f"epoch {epoch + 1}, loss = {loss.item():.4f}")

with torch.no_grad():
    species = model(X_test).argmax(dim=1)
    print("accuracy:", (species == y_test).float().mean().item())
