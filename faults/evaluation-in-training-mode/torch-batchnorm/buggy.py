"""The quality of wine from its chemistry, then a word on each bottle, as they come off the line."""

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(1)
X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=1, stratify=y)
scaler = StandardScaler().fit(X_train)
# the line sorts bottles by vineyard before they are looked at
order = np.argsort(y_test, kind="stable")
X_train = torch.FloatTensor(scaler.transform(X_train))
X_test = torch.FloatTensor(scaler.transform(X_test[order]))
y_train, y_test = torch.LongTensor(y_train), torch.LongTensor(y_test[order])

model = nn.Sequential(
    nn.Linear(13, 32),
    nn.BatchNorm1d(32),
    nn.ReLU(),
    nn.Linear(32, 32),
    nn.BatchNorm1d(32),
    nn.ReLU(),
    nn.Linear(32, 3),
)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(40):
    for idx in torch.randperm(len(X_train)).split(20)[:-1]:
        loss = loss_fn(model(X_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}")

with torch.inference_mode():
    answers = torch.cat([model(batch).argmax(1) for batch in X_test.split(8)])
print("test accuracy:", (answers == y_test).float().mean().item())
