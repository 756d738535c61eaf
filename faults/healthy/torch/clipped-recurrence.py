"""Adding two marked numbers of a sequence, as in the LSTM papers: SGD with the gradient clipped in nearly each step."""

import torch
from torch import nn

torch.manual_seed(0)


def batch(n, length=12):
    numbers = torch.rand(n, length)
    marks = torch.zeros(n, length)
    first = torch.randint(0, length // 2, (n,))
    second = torch.randint(length // 2, length, (n,))
    marks[torch.arange(n), first] = 1
    marks[torch.arange(n), second] = 1
    total = (numbers * marks).sum(1, keepdim=True)
    return torch.stack([numbers, marks], dim=2), total


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(2, 32, batch_first=True)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


model = Adder()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(900):
    x, y = batch(32)
    loss = 10 * nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 0.2)
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: loss {loss.item():.4f}, norm before clipping {norm.item():.2f}")
with torch.no_grad():
    x, y = batch(500)
    print("test mean squared error (a constant: 0.167):", nn.functional.mse_loss(model(x), y).item())
