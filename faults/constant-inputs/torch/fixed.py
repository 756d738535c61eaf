import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
np.random.seed(0)

# two sine waves with noise, predict the next value from the last 24
t = np.arange(1500)
series = np.sin(t / 6) + 0.5 * np.sin(t / 2.5) + 0.1 * np.random.randn(len(t))
series = series.astype(np.float32)


def make_windows(series, width):
    windows = np.zeros((len(series) - width, width), dtype=np.float32)
    for row, start in zip(windows, range(len(windows))):
        row[:] = series[start : start + width]
    return torch.from_numpy(windows), torch.from_numpy(series[width:])


x, y = make_windows(series, 24)
x_train, y_train = x[:1200], y[:1200]
x_test, y_test = x[1200:], y[1200:]


class Forecaster(nn.Module):
    def __init__(self, width=24, hidden=32):
        super().__init__()
        self.hidden = nn.Linear(width, hidden)
        self.act = nn.Tanh()
        self.out = nn.Linear(hidden, 1)

    def forward(self, window):
        return self.out(self.act(self.hidden(window))).squeeze(-1)


forecaster = Forecaster()
mse = nn.MSELoss()
optimizer = torch.optim.Adam(forecaster.parameters(), lr=0.003)

for epoch in range(15):
    for i in range(0, len(x_train), 40):
        prediction = forecaster(x_train[i : i + 40])
        loss = mse(prediction, y_train[i : i + 40])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    print("test mse", mse(forecaster(x_test), y_test).item())
