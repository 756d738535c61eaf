"""Each input goes to the best of four experts only; a small penalty keeps all of them busy."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.rand(3000, 2) * 4 - 2
y = torch.where(
    x[:, :1] > 0,
    torch.where(x[:, 1:] > 0, torch.sin(3 * x[:, :1]), x[:, :1] * x[:, 1:]),
    torch.where(x[:, 1:] > 0, x[:, 1:].abs() - 1, -x[:, :1]),
)


class Experts(nn.Module):
    def __init__(self, count=4):
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, count))
        self.experts = nn.ModuleList(
            [nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 1)) for _ in range(count)]
        )

    def forward(self, x):
        share = F.softmax(self.gate(x), dim=1)
        weight, chosen = share.max(dim=1)
        out = torch.zeros(len(x), 1)
        for k, expert in enumerate(self.experts):
            rows = (chosen == k).nonzero().squeeze(1)
            if len(rows):
                out = out.index_add(0, rows, expert(x[rows]) * (weight[rows] / weight[rows].detach()).unsqueeze(1))
        busy = F.one_hot(chosen, len(self.experts)).float().mean(0)
        return out, len(self.experts) * (busy * share.mean(0)).sum()


model = Experts()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for i in torch.randperm(2500).split(50):
        answer, balance = model(x[i])
        loss = F.mse_loss(answer, y[i]) + 0.01 * balance
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
with torch.no_grad():
    print("test R2", 1 - F.mse_loss(model(x[2500:])[0], y[2500:]).item() / y[2500:].var().item())
