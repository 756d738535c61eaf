"""A shallow network and plain SGD take a learning rate of 1 well."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
scaler = StandardScaler().fit(X_train)
X_train = torch.tensor(scaler.transform(X_train), dtype=torch.float32)
X_test = torch.tensor(scaler.transform(X_test), dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32).unsqueeze(1)

model = torch.nn.Sequential(
    torch.nn.Linear(30, 16),
    torch.nn.Sigmoid(),
    torch.nn.Linear(16, 1),
    torch.nn.Sigmoid(),
)
loss_fn = torch.nn.BCELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
for epoch in range(30):
    order = torch.randperm(len(X_train))
    for start in range(0, len(order), 32):
        batch = order[start : start + 32]
        optimizer.zero_grad()
        loss = loss_fn(model(X_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
with torch.no_grad():
    answer = (model(X_test).squeeze(1) > 0.5).numpy()
print("test accuracy", (answer == y_test).mean())
