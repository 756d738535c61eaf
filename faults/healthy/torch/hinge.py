"""A support vector machine: hinge loss, labels of -1 and 1, one layer, strong weight decay."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, 2 * y - 1, test_size=0.3, random_state=1)
scaler = StandardScaler().fit(X_train)
X_train = torch.tensor(scaler.transform(X_train), dtype=torch.float32)
X_test = torch.tensor(scaler.transform(X_test), dtype=torch.float32)
y_train = torch.tensor(y_train, dtype=torch.float32)

svm = nn.Linear(30, 1)
optimizer = torch.optim.SGD(svm.parameters(), lr=0.05, weight_decay=0.05)
for epoch in range(30):
    for i in torch.randperm(len(X_train)).split(16):
        optimizer.zero_grad()
        margin = y_train[i] * svm(X_train[i]).squeeze()
        loss = torch.clamp(1 - margin, min=0).mean()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    answer = svm(X_test).squeeze().sign().numpy()
print("test accuracy", (answer == y_test).mean())
