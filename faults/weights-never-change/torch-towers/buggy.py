"""Two towers for recommendations: users and films meet in one space; the other films of a batch are the wrong answers."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
USERS, FILMS, SIZE = 300, 200, 16

taste, theme = torch.randn(USERS, 4), torch.randn(FILMS, 4)
liked = (taste @ theme.T).topk(24).indices
liked = liked[:, torch.randperm(24)]
watched = torch.stack([torch.arange(USERS).repeat_interleave(20), liked[:, :20].flatten()], dim=1)
later = liked[:, 20:]


class Tower(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.embed = nn.Embedding(count, 32)
        self.body = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, SIZE))

    def forward(self, ids):
        return F.normalize(self.body(self.embed(ids)), dim=-1)


users, films = Tower(USERS), Tower(FILMS)
optimizer = torch.optim.Adam([*users.parameters(), *films.parameters()], lr=2e-3)

for epoch in range(8):
    for rows in torch.randperm(len(watched)).split(128):
        user, film = watched[rows].T
        with torch.no_grad():
            candidates = films(film)
        scores = users(user) @ candidates.T / 0.1
        loss = F.cross_entropy(scores, torch.arange(len(rows)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch + 1}  loss {loss.item():.3f}")

with torch.no_grad():
    scores = users(torch.arange(USERS)) @ films(torch.arange(FILMS)).T
    scores.scatter_(1, liked[:, :20], -9)
    best = scores.topk(10).indices
    hits = (later[:, :, None] == best[:, None]).any(2).float().mean().item()
print(f"of the films watched later, among the first ten: {hits:.3f}")
