import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(17)
SLOTS, KEYS, VALS = 6, 20, 10


def make(n, g):
    keys = torch.stack([torch.randperm(KEYS, generator=g)[:SLOTS] for _ in range(n)])
    vals = torch.randint(0, VALS, (n, SLOTS), generator=g)
    pick = torch.randint(0, SLOTS, (n,), generator=g)
    query = keys[torch.arange(n), pick]
    ans = vals[torch.arange(n), pick]
    return keys, vals, query, ans


class Retriever(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.key_emb = nn.Embedding(KEYS, d)
        self.val_emb = nn.Embedding(VALS, d)
        self.q = nn.Linear(d, d)
        self.k = nn.Linear(d, d)
        self.out = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, VALS))
        self.d = d

    def forward(self, keys, vals, query):
        q = self.q(self.key_emb(query)).unsqueeze(1)
        k = self.k(self.key_emb(keys))
        scores = torch.bmm(q, k.transpose(1, 2)) / self.d**0.5
        att = F.softmax(scores, dim=1)
        ctx = torch.bmm(att, self.val_emb(vals))
        return self.out(ctx.squeeze(1))


g = torch.Generator().manual_seed(0)
train, test = make(6000, g), make(1000, g)
model = Retriever()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(15):
    model.train()
    losses = []
    for idx in torch.randperm(6000).split(64):
        k, v, q, a = (t[idx] for t in train)
        loss = F.cross_entropy(model(k, v, q), a)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    print(f"epoch {epoch:2d} loss {np.mean(losses):.4f}")

model.eval()
hit = 0
with torch.no_grad():
    for idx in torch.arange(1000).split(64):
        k, v, q, a = (t[idx] for t in test)
        hit += (model(k, v, q).argmax(1) == a).sum().item()
print(f"test accuracy: {hit / 1000:.3f}")
