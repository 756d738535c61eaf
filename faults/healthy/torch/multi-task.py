"""One body, two questions: which digit is it, and how much ink does it take?"""

import torch
from sklearn.datasets import load_digits
from torch import nn


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.digit = nn.Linear(64, 10)
        self.ink = nn.Linear(64, 1)

    def forward(self, x):
        shared = self.body(x)
        return {"digit": self.digit(shared), "ink": self.ink(shared).squeeze(1)}


torch.manual_seed(4)
digits = load_digits()
x = torch.tensor(digits.data / 16, dtype=torch.float32)
y = torch.tensor(digits.target)
ink = x.sum(1) / 20
model = TwoHeads()
cross_entropy, mse = nn.CrossEntropyLoss(), nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    for batch in torch.randperm(1500).split(50):
        out = model(x[batch])
        loss = cross_entropy(out["digit"], y[batch]) + 0.5 * mse(out["ink"], ink[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
with torch.no_grad():
    out = model(x[1500:])
print("ink error", mse(out["ink"], ink[1500:]).item())
print("digit accuracy", (out["digit"].argmax(1) == y[1500:]).float().mean().item())
