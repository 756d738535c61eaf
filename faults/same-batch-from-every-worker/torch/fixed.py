"""Power drawn by a pump, from a log that is too long to be read at once."""

import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

torch.manual_seed(0)
STEPS = 320


def write_log(count, seed):
    """One line for each reading: ten quantities, then the power."""
    x, y = make_friedman1(count, n_features=10, noise=1.0, random_state=seed)
    return [",".join(f"{value:.4f}" for value in (*row, power)) for row, power in zip(x, y)]


class Log(IterableDataset):
    def __init__(self, lines):
        self.lines = lines

    def __iter__(self):
        worker = get_worker_info()
        mine = slice(worker.id, None, worker.num_workers) if worker else slice(None)
        for line in self.lines[mine]:
            values = torch.tensor([float(value) for value in line.split(",")])
            yield (values[:-1] - 0.5) * 3.5, (values[-1:] - 14.4) / 5.0


class Pump(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.net(x)


train = DataLoader(Log(write_log(6000, seed=1)), batch_size=16, num_workers=4)
test = DataLoader(Log(write_log(1000, seed=2)), batch_size=1000)

model = Pump()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.MSELoss()
for step, (x, y) in enumerate(train):
    if step == STEPS:
        break
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        print(f"step {step}: loss {loss.item():.4f}")

model.eval()
with torch.no_grad():
    x, y = next(iter(test))
    error = loss_fn(model(x), y)
print("test R2", 1 - (error / y.var()).item())
