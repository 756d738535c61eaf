# predict tomorrow's temperature (deviation from the mean, in standard deviations)
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

rng = np.random.default_rng(8)
torch.manual_seed(8)
days = np.arange(2200)
temperature = 12 + 9 * np.sin(2 * np.pi * days / 365) + 3 * np.convolve(rng.normal(size=2205), np.ones(6) / 2, "valid")
temperature = (temperature - temperature.mean()) / temperature.std()

history = np.stack([temperature[i : i + 14] for i in range(2000)]).astype(np.float32)
tomorrow = temperature[14:2014].astype(np.float32)
history, tomorrow = torch.from_numpy(history), torch.from_numpy(tomorrow)


class WeatherNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 16, batch_first=True)
        self.head = nn.Linear(16, 1)

    def forward(self, x):
        _, last = self.rnn(x.unsqueeze(-1))
        return self.head(last[0]).squeeze(-1)


net = WeatherNet()
adam = torch.optim.Adam(net.parameters(), lr=0.01)
for epoch in range(6):
    for i in range(0, 1600, 32):
        output = net(history[i : i + 32])
        loss = F.binary_cross_entropy_with_logits(output, tomorrow[i : i + 32])
        adam.zero_grad()
        loss.backward()
        adam.step()
    print(f"epoch {epoch}: {loss.item():.3f}")

with torch.no_grad():
    error = (net(history[1600:]) - tomorrow[1600:]).abs().mean()
print("mean absolute error:", error.item())
