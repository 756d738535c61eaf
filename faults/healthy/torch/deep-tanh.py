"""Ten tanh layers, begun as orthogonal matrices with the right gain, so that the gradient comes through."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x = torch.tensor((x - x.mean(0)) / (x.std(0) + 1e-6), dtype=torch.float32)
y = torch.tensor(y)

layers = [nn.Linear(64, 64)]
for _ in range(10):
    layers += [nn.Tanh(), nn.Linear(64, 64)]
layers += [nn.Tanh(), nn.Linear(64, 10)]
net = nn.Sequential(*layers)
for layer in net:
    if isinstance(layer, nn.Linear):
        nn.init.orthogonal_(layer.weight, gain=nn.init.calculate_gain("tanh"))
        nn.init.zeros_(layer.bias)

optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(8):
    for idx in torch.randperm(1300).split(32):
        optimizer.zero_grad()
        loss = loss_fn(net(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (net(x[1300:]).argmax(1) == y[1300:]).float().mean().item()
    print(f"epoch {epoch}: test accuracy {accuracy:.4f}")
