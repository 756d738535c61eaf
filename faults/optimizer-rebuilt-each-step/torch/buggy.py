import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn


class Regressor(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.hidden = nn.Linear(features, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x))).squeeze(1)


def update(model, x, y):
    optimizer = torch.optim.SGD(model.parameters(), lr=3e-4, momentum=0.95)
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


torch.manual_seed(3)
x, y = load_diabetes(return_X_y=True)
y = (y - y.mean()) / y.std()
x_train, x_test, y_train, y_test = train_test_split(StandardScaler().fit_transform(x), y, random_state=3)
x_train, x_test, y_train, y_test = (torch.tensor(each).float() for each in (x_train, x_test, y_train, y_test))

model = Regressor(x.shape[1])
for epoch in range(15):
    order = torch.randperm(len(x_train))
    losses = [update(model, x_train[rows], y_train[rows]) for rows in order.split(32)]
    print(f"epoch {epoch + 1}: {sum(losses) / len(losses):.3f}")

with torch.no_grad():
    print("test error:", F.mse_loss(model(x_test), y_test).item())
