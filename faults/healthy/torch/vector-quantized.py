import torch, torch.nn as nn, torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
X = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)


class VQ(nn.Module):
    def __init__(self, k=32, d=8):
        super().__init__()
        self.book = nn.Embedding(k, d)
        nn.init.uniform_(self.book.weight, -1 / k, 1 / k)

    def forward(self, z):
        dist = (z.unsqueeze(-2) - self.book.weight).pow(2).sum(-1)
        idx = dist.argmin(-1)
        q = self.book(idx)
        loss = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
        return z + (q - z).detach(), loss


class VQVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 32))
        self.vq = VQ()
        self.dec = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 64), nn.Sigmoid())

    def forward(self, x):
        z = self.enc(x).view(len(x), 4, 8)
        q, l = self.vq(z)
        return self.dec(q.flatten(1)), l


m = VQVAE()
opt = torch.optim.Adam(m.parameters(), 2e-3)
for ep in range(25):
    for b in torch.randperm(len(X)).split(64):
        rec, l = m(X[b])
        loss = F.mse_loss(rec, X[b]) + l
        opt.zero_grad()
        loss.backward()
        opt.step()
with torch.no_grad():
    print("reconstruction error:", F.mse_loss(m(X)[0], X).item())
