import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(42)
X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
sc = StandardScaler()
X_train = torch.tensor(sc.fit_transform(X_train), dtype=torch.float32)
X_test = torch.tensor(sc.transform(X_test), dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32).view(-1, 1)
y_test = torch.tensor(y_test, dtype=torch.float32).view(-1, 1)

model = nn.Sequential(
    nn.Linear(30, 16),
    nn.ReLU(),
    nn.Linear(16, 8),
    nn.ReLU(),
    nn.Linear(8, 1),
    nn.Sigmoid(),
)
criterion = nn.BCELoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)

batch_size = 20
for epoch in range(20):
    for start in range(0, len(X_train), batch_size):
        inputs = X_train[start : start + batch_size]
        targets = y_train[start : start + batch_size]
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
    print("Epoch %d, loss %.4f" % (epoch + 1, loss.item()))

with torch.no_grad():
    # the larger class is benign, so also look at how well the smaller one is found
    predictions = model(X_test).round()
malignant = y_test == 0
print("malignant found:", (predictions[malignant] == 0).float().mean().item())
print("accuracy:", (predictions == y_test).float().mean().item())
