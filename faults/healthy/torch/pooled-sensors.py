"""How much water runs off, from ten rain gauges: time comes first, the gauges are the batch, and one answer an hour."""

import torch
from torch import nn

torch.manual_seed(0)
HOURS, GAUGES, WINDOW = 4200, 10, 70

front = torch.randn(HOURS + 20)
for hour in range(1, len(front)):
    front[hour] = 0.95 * front[hour - 1] + 0.3 * front[hour]
delays = torch.randint(0, 20, (GAUGES,))
rain = torch.stack([front[20 - delay : 20 - delay + HOURS] for delay in delays], dim=1) + 0.1 * torch.randn(
    HOURS, GAUGES
)
wetness = torch.zeros(HOURS)
for hour in range(1, HOURS):
    wetness[hour] = 0.9 * wetness[hour - 1] + 0.1 * rain[hour].relu().mean()
runoff = ((wetness - wetness.mean()) / wetness.std()).unsqueeze(1)


class Catchment(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.gauge = nn.GRU(1, hidden)
        self.river = nn.Linear(hidden * GAUGES, 1)

    def forward(self, rain, state=None):
        seen, state = self.gauge(rain.unsqueeze(-1), state)
        return self.river(seen.flatten(1)), state.detach()


model = Catchment()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.MSELoss()
for epoch in range(8):
    state = None
    for start in range(0, 3500, WINDOW):
        hours = slice(start, start + WINDOW)
        predicted, state = model(rain[hours], state)
        loss = loss_fn(predicted, runoff[hours])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
with torch.no_grad():
    predicted, _ = model(rain)
    error = loss_fn(predicted[3500:], runoff[3500:]).item()
print("share of the variance that is lost", error / runoff[3500:].var().item())
