import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(0)
rng = np.random.default_rng(0)

# profit and loss of a small shop: can be negative
visitors = rng.normal(200, 40, 1200)
price = rng.normal(20, 4, 1200)
rent = rng.normal(900, 250, 1200)
profit = 0.2 * visitors * price - rent + rng.normal(0, 30, 1200)

X = np.column_stack([visitors, price, rent])
X = torch.tensor((X - X.mean(0)) / X.std(0), dtype=torch.float32)
y = torch.tensor(profit / profit.std(), dtype=torch.float32).unsqueeze(1)


class ProfitModel(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_features, 24),
            nn.SiLU(),
            nn.Linear(24, 24),
            nn.SiLU(),
            nn.Linear(24, 1),
        )

    def forward(self, x):
        return self.net(x)


model = ProfitModel(3)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)

for epoch in range(20):
    for i in range(0, 1000, 25):
        optimizer.zero_grad()
        loss = criterion(model(X[i : i + 25]), y[i : i + 25])
        loss.backward()
        optimizer.step()

with torch.no_grad():
    test_loss = criterion(model(X[1000:]), y[1000:]).item()
print(f"Test MSE: {test_loss:.4f}")
