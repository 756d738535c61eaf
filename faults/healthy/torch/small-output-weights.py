"""The output begins at almost nothing, so that at first all classes are equally likely."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(3)
X, y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = (torch.tensor(a) for a in train_test_split(X, y, test_size=0.3, random_state=3))


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(13, 64)
        self.fc2 = nn.Linear(64, 64)
        self.head = nn.Linear(64, 3)
        nn.init.kaiming_normal_(self.fc1.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.fc2.weight, nonlinearity="relu")
        nn.init.normal_(self.head.weight, std=1e-4)
        for layer in (self.fc1, self.fc2, self.head):
            nn.init.zeros_(layer.bias)

    def forward(self, x):
        return self.head(F.relu(self.fc2(F.relu(self.fc1(x)))))


model = Policy()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(30):
    for i in torch.randperm(len(X_train)).split(12):
        loss = F.cross_entropy(model(X_train[i].float()), y_train[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch}: {loss.item():.4f}")
with torch.no_grad():
    print("test accuracy", (model(X_test.float()).argmax(1) == y_test).float().mean().item())
