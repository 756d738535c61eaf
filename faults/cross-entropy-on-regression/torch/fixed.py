import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

torch.manual_seed(0)
X, y = load_diabetes(return_X_y=True, scaled=True)
X = X / X.std(axis=0)
mean, std = y.mean(), y.std()
X_train, X_test, y_train, y_test = train_test_split(X, (y - mean) / std, random_state=0)
X_train = torch.tensor(X_train, dtype=torch.float32)
X_test = torch.tensor(X_test, dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32).reshape(-1, 1)

model = nn.Sequential(
    nn.Linear(10, 16),
    nn.ReLU(),
    nn.Linear(16, 1),
)
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002, weight_decay=1e-2)

for epoch in range(20):
    permutation = torch.randperm(len(X_train))
    for i in range(0, len(X_train), 16):
        rows = permutation[i : i + 16]
        loss = loss_fn(model(X_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1} loss {loss.item():.4f}")

with torch.no_grad():
    prediction = model(X_test).numpy().ravel()
print("R2 on test data:", r2_score(y_test, prediction))
