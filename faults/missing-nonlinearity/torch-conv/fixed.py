import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(2)
torch.manual_seed(2)

# Does the signal hold a burst? Bursts have either sign and may be anywhere.
n, length = 1600, 32
signals = rng.normal(0, 0.3, (n, 1, length))
burst = rng.random(n) < 0.5
for row in np.flatnonzero(burst):
    start = rng.integers(0, length - 6)
    signals[row, 0, start : start + 6] += rng.choice([-1.5, 1.5])
x = torch.tensor(signals, dtype=torch.float32)
y = torch.tensor(burst.astype(np.int64))

model = nn.Sequential(
    nn.Conv1d(1, 12, 5, padding=2),
    nn.BatchNorm1d(12),
    nn.ReLU(),
    nn.Conv1d(12, 12, 5, padding=2),
    nn.BatchNorm1d(12),
    nn.ReLU(),
    nn.AvgPool1d(4),
    nn.Flatten(),
    nn.Linear(96, 2),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x[:1280], y[:1280]), batch_size=64, shuffle=True)

for epoch in range(20):
    model.train()
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()

model.eval()
print("accuracy", (model(x[1280:]).argmax(1) == y[1280:]).float().mean().item())
