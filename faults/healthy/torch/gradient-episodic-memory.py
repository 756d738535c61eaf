"""Two tasks one after the other; steps on the second that would undo the first are turned (averaged gradient episodic memory)."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(6)
digits = load_digits()
x, y = torch.tensor(digits.data / 16).float(), torch.tensor(digits.target)
train, test = torch.randperm(1797).split([1400, 397])
tasks = [train[y[train] < 5], train[y[train] >= 5]]

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()


def gradient(rows):
    """The loss's gradient on these rows, as one vector."""
    optimizer.zero_grad()
    loss = criterion(model(x[rows]), y[rows])
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()]), loss.item()


memory = None
for number, task in enumerate(tasks):
    for epoch in range(12):
        for rows in task[torch.randperm(len(task))].split(20):
            old = gradient(memory[torch.randperm(len(memory))[:20]])[0] if memory is not None else None
            new, loss = gradient(rows)
            if old is not None and new @ old < 0:
                turned = new - (new @ old) / (old @ old) * old
                parts = turned.split([p.numel() for p in model.parameters()])
                for p, part in zip(model.parameters(), parts):
                    p.grad.copy_(part.view_as(p))
            optimizer.step()
        print(f"task {number}, epoch {epoch}: loss {loss:.3f}")
    memory = task[:200]

with torch.no_grad():
    print("test accuracy:", (model(x[test]).argmax(1) == y[test]).float().mean().item())
