import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)

# copy task with noise: what was the symbol at the marked position?
SYMBOLS, LENGTH = 6, 10
symbols = rng.integers(0, SYMBOLS, size=(3000, LENGTH))
marked = rng.integers(0, LENGTH, size=3000)
x = np.zeros((3000, LENGTH, SYMBOLS + 1), dtype=np.float32)
x[np.arange(3000)[:, None], np.arange(LENGTH)[None], symbols] = 1
x[np.arange(3000), marked, SYMBOLS] = 1
y = torch.from_numpy(symbols[np.arange(3000), marked])
x = torch.from_numpy(x)


class Encoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.inp = nn.Linear(SYMBOLS + 1, hidden)
        self.mix = nn.Linear(hidden, hidden)

    def forward(self, x):
        h = torch.relu(self.inp(x))
        h = torch.relu(self.mix(h))
        return h.mean(dim=1)


class Recall(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.encoder = Encoder(hidden)
        self.decoder = nn.Sequential(nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, SYMBOLS))

    def forward(self, x):
        code = self.encoder(x).detach()
        return self.decoder(code)


model = Recall()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for batch in torch.randperm(2500).split(50):
        loss = criterion(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x[2500:]).argmax(-1) == y[2500:]).float().mean()
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {accuracy.item():.3f}")
