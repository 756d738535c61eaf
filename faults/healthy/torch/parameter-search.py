"""Six short trainings with other settings; some are worse, the best is trained longer."""

import itertools

import torch
from sklearn.datasets import make_moons
from torch import nn

x, y = make_moons(900, noise=0.2, random_state=1)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def train(width, lr, epochs):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(epochs):
        for i in torch.randperm(500).split(25):
            loss = nn.functional.cross_entropy(model(x[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        answer = model(x).argmax(1) == y
    return answer[500:700].float().mean().item(), answer[700:].float().mean().item()


results = {}
for width, lr in itertools.product([8, 32], [3e-3, 1e-2, 3e-2]):
    results[width, lr] = train(width, lr, epochs=5)[0]
    print(f"width {width}, lr {lr}: validation accuracy {results[width, lr]:.3f}")
best = max(results, key=results.get)
print("best", best)
print("test accuracy of the best", train(*best, epochs=15)[1])
