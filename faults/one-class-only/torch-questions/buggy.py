import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

# learning to rank, pointwise. Each query has 12 candidate docs with a click rate.
DOCS, FEATS = 12, 10


def simulate(n_queries, rng):
    w = np.random.RandomState(0).randn(FEATS)
    q = rng.randn(n_queries, 1, FEATS)
    docs = rng.randn(n_queries, DOCS, FEATS)
    score = (docs * w).sum(-1) * 0.5 + 1.2 * np.tanh((q * docs).sum(-1))
    score += 0.2 * rng.randn(*score.shape)
    click_rate = 1 / (1 + np.exp(-score))
    feats = np.concatenate([docs, q * docs], axis=-1)
    return feats.astype("float32"), click_rate.astype("float32")


class QueryDocs(Dataset):
    def __init__(self, feats, rel):
        self.feats = feats
        self.rel = rel

    def __len__(self):
        return len(self.feats)

    def __getitem__(self, i):
        x = torch.from_numpy(self.feats[i])
        rel = torch.tensor(self.rel[i], dtype=torch.long)
        return x, rel


class Ranker(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2 * FEATS, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )

    def forward(self, x):
        return self.net(x).squeeze(-1)


def ndcg(score, rel, k=5):
    disc = 1 / np.log2(np.arange(2, k + 2))
    out = []
    for s, r in zip(score, rel):
        got = (r[np.argsort(-s)[:k]] * disc).sum()
        best = (np.sort(r)[::-1][:k] * disc).sum()
        out.append(got / best)
    return float(np.mean(out))


def main():
    torch.manual_seed(17)
    rng = np.random.RandomState(17)
    trainX, trainR = simulate(1500, rng)
    testX, testR = simulate(300, rng)
    loader = DataLoader(QueryDocs(trainX, trainR), batch_size=32, shuffle=True)

    ranker = Ranker()
    opt = torch.optim.AdamW(ranker.parameters(), lr=1e-3)
    bce = nn.BCEWithLogitsLoss()

    for epoch in range(25):
        ranker.train()
        cum = 0
        for x, rel in loader:
            s = ranker(x)
            loss = bce(s, rel.float())
            opt.zero_grad()
            loss.backward()
            opt.step()
            cum += loss.item()
        if epoch % 5 == 4:
            ranker.eval()
            with torch.no_grad():
                v = ndcg(ranker(torch.from_numpy(testX)).numpy(), testR)
            print("epoch", epoch + 1, "loss", cum / len(loader), "ndcg@5", v)

    ranker.eval()
    with torch.no_grad():
        s = ranker(torch.from_numpy(testX)).numpy()
    # pairwise accuracy is easier to read than ndcg
    ds, dr = s[:, :, None] - s[:, None, :], testR[:, :, None] - testR[:, None, :]
    m = dr > 0.05
    print("RESULT %.4f" % (ds[m] > 0).mean())


main()
