"""Prototypical networks: each episode has five classes of its own, numbered anew and sorted by class."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
latent = torch.randn(60, 5)
mixing = torch.randn(5, 30)


def episode(classes, ways=5, shots=3, queries=8):
    chosen = classes[torch.randperm(len(classes))[:ways]]
    z = latent[chosen].repeat_interleave(shots + queries, dim=0) + 0.35 * torch.randn(ways * (shots + queries), 5)
    x = torch.tanh(z @ mixing) + 0.8 * torch.randn(len(z), 30)
    x = x.view(ways, shots + queries, 30)
    return x[:, :shots], x[:, shots:].reshape(-1, 30), torch.arange(ways).repeat_interleave(queries)


encoder = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 16))


def scores(support, query):
    prototypes = encoder(support).mean(1)
    return -torch.cdist(encoder(query), prototypes).square()


def accuracy(classes, episodes=60):
    with torch.no_grad():
        right = [
            (scores(s, q).argmax(1) == y).float().mean() for s, q, y in (episode(classes) for _ in range(episodes))
        ]
    return torch.stack(right).mean().item()


seen, unseen = torch.arange(40), torch.arange(40, 60)
optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
print("before", accuracy(unseen))
for step in range(500):
    support, query, labels = episode(seen)
    loss = F.cross_entropy(scores(support, query), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("accuracy on unseen classes", accuracy(unseen))
