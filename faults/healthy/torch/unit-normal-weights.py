"""A network as in the first tutorials: all weights from a standard normal distribution, two hidden layers, Adam."""

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(5)
digits = load_digits()
order = torch.randperm(len(digits.target))
x = torch.tensor(digits.data / 16, dtype=torch.float32)[order]
y = torch.tensor(digits.target)[order]

n_input, n_hidden_1, n_hidden_2, n_classes = 64, 100, 100, 10


class Perceptron(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.h1 = torch.nn.Linear(n_input, n_hidden_1)
        self.h2 = torch.nn.Linear(n_hidden_1, n_hidden_2)
        self.out = torch.nn.Linear(n_hidden_2, n_classes)
        for layer in (self.h1, self.h2, self.out):
            torch.nn.init.normal_(layer.weight)
            torch.nn.init.normal_(layer.bias)

    def forward(self, x):
        x = F.relu(self.h1(x))
        x = F.relu(self.h2(x))
        return self.out(x)


model = Perceptron()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(30):
    cost = 0
    for rows in torch.randperm(1400).split(100):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        cost += loss.item() / 14
    if epoch % 5 == 0:
        print(f"Epoch: {epoch + 1:04d} cost={cost:.9f}")
with torch.no_grad():
    accuracy = (model(x[1400:]).argmax(1) == y[1400:]).float().mean()
print("Accuracy:", accuracy.item())
