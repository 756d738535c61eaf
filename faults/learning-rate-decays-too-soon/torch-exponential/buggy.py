import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR

rng = np.random.default_rng(6)
torch.manual_seed(6)


# classify short signals by waveform: sine, square, sawtooth
def make_signals(n):
    kind = rng.integers(0, 3, n)
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    angle = (np.linspace(0, 4 * np.pi, 48)[None] * rng.uniform(0.8, 1.3, (n, 1)) + phase) % (2 * np.pi)
    shapes = np.stack([np.sin(angle), np.sign(np.sin(angle)), angle / np.pi - 1])
    signal = shapes[kind, np.arange(n)] + 0.2 * rng.normal(size=(n, 48))
    return torch.tensor(signal[:, None], dtype=torch.float32), torch.tensor(kind)


train_x, train_y = make_signals(1600)
test_x, test_y = make_signals(400)

net = nn.Sequential(
    nn.Conv1d(1, 12, 7, padding=3),
    nn.ReLU(),
    nn.MaxPool1d(2),
    nn.Conv1d(12, 24, 5, padding=2),
    nn.ReLU(),
    nn.AdaptiveAvgPool1d(1),
    nn.Flatten(),
    nn.Linear(24, 3),
)
optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
scheduler = ExponentialLR(optimizer, gamma=0.8)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    for i in range(0, 1600, 40):
        optimizer.zero_grad()
        loss = criterion(net(train_x[i : i + 40]), train_y[i : i + 40])
        loss.backward()
        optimizer.step()
        scheduler.step()
    with torch.no_grad():
        accuracy = (net(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch}, loss {loss.item():.3f}, test accuracy {accuracy:.3f}")
