"""What is a used car worth?"""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(5)
torch.manual_seed(5)
n = 2000
age = rng.gamma(2.0, 3.0, n)
kilometers = age * rng.normal(14, 4, n).clip(2)
power = rng.normal(95, 25, n).clip(40)
diesel = rng.random(n) < 0.4
new_price = 9000 + 210 * power + 2500 * diesel
price = new_price * 0.87**age * np.exp(-0.002 * kilometers) * rng.lognormal(0, 0.08, n)

X = np.column_stack([age, kilometers, power, diesel])
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = (price - price.mean()) / price.std()
X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
X_train, y_train, X_test, y_test = X[:1500], y[:1500], X[1500:], y[1500:]


class Worth(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.value = nn.Linear(32, 1)

    def forward(self, cars):
        return self.value(self.layers(cars)).squeeze(-1)


model = Worth()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(20):
    for rows in torch.randperm(len(X_train)).split(50):
        prediction = model(X_train[rows])
        loss = criterion(prediction, y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.5g}")

with torch.no_grad():
    error = criterion(model(X_test), y_test)
print("R2 on other cars:", 1 - error.item() / y_test.var().item())
