import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

rng = np.random.default_rng(3)
torch.manual_seed(3)

# which of the 8 items in the bag is the heaviest decides the class
VOCAB, LENGTH = 24, 8
items = rng.integers(0, VOCAB, size=(3000, LENGTH))
weight = rng.permutation(VOCAB)
heaviest = items[np.arange(3000), weight[items].argmax(axis=1)]
label = torch.tensor(heaviest % 4)
items = torch.tensor(items)


class AttentionPooling(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.score = nn.Linear(dim, 1)

    def forward(self, h):
        score = 40 * self.score(h)
        weights = torch.softmax(score, dim=1)
        return (weights * h).sum(dim=1)


class BagNet(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.pool = AttentionPooling(dim)
        self.fc = nn.Linear(dim, 4)

    def forward(self, x):
        return self.fc(self.pool(self.embed(x)))


net = BagNet()
opt = torch.optim.Adam(net.parameters(), lr=0.02)
for epoch in range(12):
    for batch in torch.randperm(2500).split(50):
        loss = F.cross_entropy(net(items[batch]), label[batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        accuracy = (net(items[2500:]).argmax(dim=1) == label[2500:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {accuracy:.3f}")
