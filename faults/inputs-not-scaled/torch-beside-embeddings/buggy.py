# bike rental demand, embeddings for weekday / weather / station
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SEED = 2024
np.random.seed(SEED)
torch.manual_seed(SEED)

N = 6000
start = 1.6e9
ts = start + np.sort(np.random.randint(0, 365 * 24, N)) * 3600.0
hour = ((ts // 3600) % 24).astype(int)
weekday = ((ts // 86400) % 7).astype(int)
weather = np.random.choice(4, N, p=[0.5, 0.3, 0.15, 0.05])
station = np.random.randint(0, 12, N)
temp = 12 + 10 * np.sin(2 * np.pi * (ts - start) / (365 * 86400)) + np.random.randn(N) * 3

station_pop = np.random.rand(12) * 2
peak = np.exp(-(((hour - 8) / 2.0) ** 2)) + np.exp(-(((hour - 17) / 2.5) ** 2))
demand = (
    1.5 * peak * np.where(weekday < 5, 1, 0.4)
    + 0.05 * temp
    + station_pop[station]
    - 0.5 * weather
    + 0.8 * (ts - start) / (365 * 86400)
    + 0.15 * np.random.randn(N)
)
demand = (demand - demand.mean()) / demand.std()

num = np.stack(
    [
        np.sin(2 * np.pi * hour / 24),
        np.cos(2 * np.pi * hour / 24),
        temp / 20,
        ts,
    ],
    axis=1,
).astype(np.float32)
cat = np.stack([weekday, weather, station], axis=1)

perm = np.random.permutation(N)
tr, te = perm[:5000], perm[5000:]
num_t, cat_t = torch.from_numpy(num), torch.from_numpy(cat).long()
y_t = torch.from_numpy(demand.astype(np.float32)).unsqueeze(1)


class TabNet(nn.Module):
    def __init__(self, cards=(7, 4, 12), dims=(3, 2, 4), n_num=4):
        super().__init__()
        self.embs = nn.ModuleList(nn.Embedding(c, d) for c, d in zip(cards, dims))
        self.l1 = nn.Linear(sum(dims) + n_num, 96)
        self.l2 = nn.Linear(96, 48)
        self.l3 = nn.Linear(48, 1)

    def forward(self, xn, xc):
        e = [emb(xc[:, i]) for i, emb in enumerate(self.embs)]
        x = torch.cat(e + [xn], dim=1)
        x = F.relu(self.l1(x))
        x = F.relu(self.l2(x))
        return self.l3(x)


net = TabNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for ep in range(25):
    order = tr[np.random.permutation(len(tr))]
    s = 0.0
    for i in range(0, len(order), 64):
        j = torch.from_numpy(order[i : i + 64])
        p = net(num_t[j], cat_t[j])
        loss = F.mse_loss(p, y_t[j])
        opt.zero_grad()
        loss.backward()
        opt.step()
        s += loss.item() * len(j)
    if ep % 4 == 0:
        print("ep", ep, "mse", s / len(tr))

with torch.no_grad():
    p = net(num_t[te], cat_t[te])
    yt = y_t[te]
    r2 = 1 - ((p - yt) ** 2).sum() / ((yt - yt.mean()) ** 2).sum()
print("RESULT", max(-1.0, round(r2.item(), 4)))
