# House valuation from comparable sales: attention over the 16 "comps" of each house
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

torch.manual_seed(12)
K, F_DIM = 16, 5


class HouseData(Dataset):
    def __init__(self, n):
        w = torch.tensor([0.9, -0.6, 0.4, 0.3, 0.2])
        self.house = torch.randn(n, F_DIM)
        near = torch.rand(n, K, 1) * 1.5 + 0.1
        self.comps = self.house.unsqueeze(1) + near * torch.randn(n, K, F_DIM)
        market = 1.5 + 0.8 * torch.randn(n, 1)  # local price level, only visible in the comps
        self.prices = market + (self.comps @ w) + 0.1 * torch.randn(n, K)
        self.target = market.squeeze(1) + self.house @ w

    def __len__(self):
        return len(self.target)

    def __getitem__(self, i):
        return self.house[i], self.comps[i], self.prices[i], self.target[i]


class CompsAttention(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(2 * F_DIM, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )
        self.adjust = nn.Linear(F_DIM, 1, bias=False)

    def forward(self, house, comps, prices):
        diff = comps - house.unsqueeze(1)  # B,K,F
        s = self.score(torch.cat([diff, diff**2], dim=-1)).squeeze(-1)  # B,K
        attn = torch.softmax(s, dim=1)
        base = (attn * prices).sum(dim=1)
        mean_diff = (attn.unsqueeze(-1) * diff).sum(dim=1)
        return base + self.adjust(mean_diff).squeeze(-1)


def validate(model, loader):
    model.eval()
    out, tgt = [], []
    with torch.no_grad():
        for house, comps, prices, y in loader:
            out.append(model(house, comps, prices))
            tgt.append(y)
    out, tgt = torch.cat(out), torch.cat(tgt)
    return (1 - ((out - tgt) ** 2).mean() / tgt.var(unbiased=False)).item()


train_dl = DataLoader(HouseData(3000), batch_size=64, shuffle=True)
valid_dl = DataLoader(HouseData(640), batch_size=64)

model = CompsAttention()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.SmoothL1Loss()

for epoch in range(1, 21):
    model.train()
    losses = []
    for house, comps, prices, y in train_dl:
        pred = model(house, comps, prices)
        loss = criterion(pred, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    if epoch % 4 == 0:
        print("epoch", epoch, "loss %.4f" % (sum(losses) / len(losses)), "valid R2 %.4f" % validate(model, valid_dl))

print("RESULT %.4f" % validate(model, valid_dl))
