"""One step ahead in a noisy wave, with an LSTM."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
wave = np.sin(np.arange(3000) / 9) + 0.1 * rng.normal(size=3000)
LOOK_BACK = 20
windows = np.stack([wave[at : at + LOOK_BACK] for at in range(3000 - LOOK_BACK)])
x = torch.tensor(windows, dtype=torch.float32).unsqueeze(-1)
y = torch.tensor(wave[LOOK_BACK:], dtype=torch.float32)


class Forecast(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, window):
        states, _ = self.lstm(window)
        return self.linear(states[:, -1])


model = Forecast()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    for rows in torch.randperm(2500).split(50):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x[rows]).squeeze(-1), y[rows])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")

with torch.no_grad():
    rest = (model(x[2500:]).squeeze(-1) - y[2500:]).square().mean() / y[2500:].var()
print("R2 on what comes after:", 1 - rest.item())
