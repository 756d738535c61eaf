import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(10)
N_USERS, N_ITEMS, DIM = 200, 120, 6


def clicks(seed=10):
    rng = np.random.RandomState(seed)
    group_u = rng.randint(0, 4, N_USERS)
    group_i = rng.randint(0, 4, N_ITEMS)
    taste = rng.rand(4, 4)
    p = np.where(taste[group_u][:, group_i] > 0.5, 0.93, 0.07)
    full = rng.rand(N_USERS, N_ITEMS) < p
    obs = rng.rand(N_USERS, N_ITEMS) < 0.3
    u, i = np.nonzero(obs)
    perm = rng.permutation(len(u))
    u, i = u[perm], i[perm]
    return torch.tensor(u), torch.tensor(i), torch.tensor(full[u, i], dtype=torch.float32)


class Recommender(nn.Module):
    def __init__(self):
        super().__init__()
        init = lambda n: torch.randn(n, DIM) * 0.1
        self.users = nn.Embedding.from_pretrained(init(N_USERS))
        self.items = nn.Embedding.from_pretrained(init(N_ITEMS))
        self.mix = nn.Bilinear(DIM, DIM, 8)
        self.out = nn.Linear(8, 1)

    def forward(self, u, i):
        h = torch.tanh(self.mix(self.users(u), self.items(i)))
        return self.out(h).squeeze(-1)


u, i, y = clicks()
cut = int(0.8 * len(u))
model = Recommender()
trainable = [p for p in model.parameters() if p.requires_grad]
opt = torch.optim.Adam(trainable, lr=1e-2, weight_decay=1e-5)
bce = nn.BCEWithLogitsLoss()

for epoch in range(20):
    total = 0.0
    for b in torch.randperm(cut).split(128):
        opt.zero_grad()
        loss = bce(model(u[b], i[b]), y[b])
        loss.backward()
        opt.step()
        total += loss.item() * len(b)
    if epoch % 2 == 0:
        print(f"epoch {epoch:2d} bce {total / cut:.4f}")

with torch.no_grad():
    pred = (model(u[cut:], i[cut:]) > 0).float()
print(f"test accuracy: {(pred == y[cut:]).float().mean().item():.3f}")
