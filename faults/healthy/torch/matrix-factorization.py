import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(3)
torch.manual_seed(3)
users, movies, taste = 120, 80, 3
truth = rng.normal(size=(users, taste)) @ rng.normal(size=(taste, movies)) / np.sqrt(taste)
seen = np.argwhere(rng.random((users, movies)) < 0.4)
stars = truth[seen[:, 0], seen[:, 1]] + 0.3 * rng.normal(size=len(seen)) + 3.5
order = rng.permutation(len(seen))
seen, stars = torch.tensor(seen[order]), torch.tensor(stars[order], dtype=torch.float32)
train, test = slice(0, 3200), slice(3200, None)


class Factorization(nn.Module):
    def __init__(self, dim=6):
        super().__init__()
        self.user, self.movie = nn.Embedding(users, dim), nn.Embedding(movies, dim)
        self.user_bias, self.movie_bias = nn.Embedding(users, 1), nn.Embedding(movies, 1)
        self.mean = nn.Parameter(torch.tensor(3.0))
        for table in (self.user, self.movie):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.user_bias, self.movie_bias):
            nn.init.zeros_(table.weight)

    def forward(self, pairs):
        u, m = pairs[:, 0], pairs[:, 1]
        dot = (self.user(u) * self.movie(m)).sum(1)
        return dot + self.user_bias(u)[:, 0] + self.movie_bias(m)[:, 0] + self.mean


model = Factorization()
opt = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-4)
for epoch in range(25):
    for idx in torch.randperm(3200).split(128):
        opt.zero_grad()
        loss = ((model(seen[train][idx]) - stars[train][idx]) ** 2).mean()
        loss.backward()
        opt.step()
with torch.no_grad():
    error = (model(seen[test]) - stars[test]).square().mean().sqrt()
print(f"standard deviation of the ratings: {stars[test].std():.3f}")
print(f"test RMSE: {error:.4f}")
