"""Two hidden layers whose weights begin at 0.01, as in a textbook, and Adam."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
order = torch.randperm(len(digits.target))
x = torch.tensor(digits.data / 16, dtype=torch.float32)[order]
y = torch.tensor(digits.target)[order]
train = torch.utils.data.TensorDataset(x[:1400], y[:1400])
loader = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True)

net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def init_weights(m):
    if type(m) is nn.Linear:
        nn.init.normal_(m.weight, std=0.01)


net.apply(init_weights)
loss = nn.CrossEntropyLoss()
trainer = torch.optim.Adam(net.parameters(), lr=0.003)
for epoch in range(20):
    for features, labels in loader:
        trainer.zero_grad()
        l = loss(net(features), labels)
        l.backward()
        trainer.step()
    print(f"epoch {epoch + 1}, loss {l:.3f}")
with torch.no_grad():
    print("test accuracy", (net(x[1400:]).argmax(1) == y[1400:]).float().mean().item())
