import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from torch import nn

torch.manual_seed(0)
data = load_breast_cancer()
X = torch.tensor(scale(data.data), dtype=torch.float64)
y = torch.tensor(data.target, dtype=torch.float64)
X_train, y_train, X_test, y_test = X[:420], y[:420], X[420:], y[420:]

model = nn.Sequential(nn.Linear(30, 8), nn.Tanh(), nn.Linear(8, 1)).double()
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.8, max_iter=4, history_size=10, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = nn.functional.binary_cross_entropy_with_logits(model(X_train).squeeze(1), y_train)
    loss = loss + 1e-2 * sum((p**2).sum() for p in model.parameters())
    loss.backward()
    return loss


for i in range(25):
    loss = optimizer.step(closure)
print("loss", loss.item())
with torch.no_grad():
    print("accuracy", ((model(X_test).squeeze(1) > 0) == (y_test > 0.5)).double().mean().item())
