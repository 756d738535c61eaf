import math
import numpy as np
import torch
import torch.nn as nn


class MDN(nn.Module):
    def __init__(self, k=3, hidden=48):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.pi = nn.Linear(hidden, k)
        self.mu = nn.Linear(hidden, k)
        self.log_sigma = nn.Linear(hidden, k)

    def forward(self, x):
        h = self.body(x)
        return torch.log_softmax(self.pi(h), -1), self.mu(h), self.log_sigma(h).clamp(-4, 4)


def mixture_log_prob(params, y):
    log_pi, mu, log_s = params
    z = (y - mu) / log_s.exp()
    comp = -0.5 * z**2 - log_s - 0.5 * math.log(2 * math.pi)
    return torch.logsumexp(log_pi + comp, dim=-1)


def loss_fn(params, y):
    return -mixture_log_prob(params, y).mean()


def inverse_problem(n, seed):
    rng = np.random.RandomState(seed)
    t = rng.rand(n)
    x = t + 0.3 * np.sin(2 * np.pi * t) + 0.03 * rng.randn(n)
    to = lambda a: torch.tensor(a, dtype=torch.float32).unsqueeze(1)
    return to(x * 4 - 2), to(t * 4 - 2)


torch.manual_seed(0)
x, y = inverse_problem(2000, 0)
xt, yt = inverse_problem(500, 1)
net = MDN()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(60):
    total = 0.0
    for idx in torch.randperm(len(x)).split(100):
        loss = loss_fn(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    if epoch % 10 == 0 or epoch == 59:
        print(f"epoch {epoch} loss {total / len(x):.4f}")
with torch.no_grad():
    ll = mixture_log_prob(net(xt), yt).mean().item()
print(f"test log-likelihood: {ll:.3f}")
