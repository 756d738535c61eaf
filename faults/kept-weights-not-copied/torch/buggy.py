import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(3)

X, y = load_diabetes(return_X_y=True)
X, y = torch.tensor(X, dtype=torch.float32) * 20, torch.tensor(y, dtype=torch.float32)
y = (y - y.mean()) / y.std()
order = torch.randperm(len(X))
train, valid, test = order[:150], order[150:290], order[290:]


class EarlyStopping:
    """Keeps the weights of the epoch that was best on validation data."""

    def __init__(self, patience):
        self.patience = patience
        self.best, self.waited, self.weights = float("inf"), 0, None

    def done(self, loss, model):
        if loss < self.best:
            self.best, self.waited = loss, 0
            self.weights = model.state_dict()
        else:
            self.waited += 1
        return self.waited >= self.patience


model = nn.Sequential(nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
stopping = EarlyStopping(patience=80)


def error(rows):
    with torch.no_grad():
        return nn.functional.mse_loss(model(X[rows]).squeeze(1), y[rows]).item()


for epoch in range(500):
    for rows in train[torch.randperm(len(train))].split(25):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X[rows]).squeeze(1), y[rows])
        loss.backward()
        optimizer.step()
    if stopping.done(error(valid), model):
        break

model.load_state_dict(stopping.weights)
print(f"stopped in epoch {epoch}, best validation error {stopping.best:.3f}")
print("test error:", error(test))
