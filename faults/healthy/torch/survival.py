"""Cox regression: the negative log partial likelihood of a whole cohort, sorted by time. One batch, always the same."""

import torch
from torch import nn

torch.manual_seed(12)
n = 600
x = torch.randn(n, 8)
risk = 1.2 * x[:, 0] - 0.8 * x[:, 1] + 0.7 * x[:, 2].abs()
time = -torch.log(torch.rand(n)) * torch.exp(-risk)
censored = -torch.log(torch.rand(n)) * 2.0
event = time <= censored
time = torch.minimum(time, censored)
train, test = slice(0, 450), slice(450, None)


def partial_likelihood(log_risk, time, event):
    order = torch.argsort(time, descending=True)
    log_risk, event = log_risk[order], event[order]
    at_risk = torch.logcumsumexp(log_risk, dim=0)
    return -(log_risk - at_risk)[event].mean()


def concordance(log_risk, time, event):
    earlier = (time[:, None] < time[None, :]) & event[:, None]
    return (log_risk[:, None] > log_risk[None, :])[earlier].float().mean().item()


net = nn.Sequential(nn.Linear(8, 16), nn.SELU(), nn.Dropout(0.1), nn.Linear(16, 1, bias=False))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01, weight_decay=1e-2)
for epoch in range(200):
    net.train()
    optimizer.zero_grad()
    loss = partial_likelihood(net(x[train]).squeeze(1), time[train], event[train])
    loss.backward()
    optimizer.step()
    if epoch % 50 == 0:
        print(f"epoch {epoch}: {loss.item():.3f}")
net.eval()
with torch.no_grad():
    print("concordance on the test cohort:", concordance(net(x[test]).squeeze(1), time[test], event[test]))
