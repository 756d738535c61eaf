"""word2vec: skip-gram with negative sampling on sentences about three topics."""

import random

import torch
import torch.nn.functional as F
from torch import nn

random.seed(0)
torch.manual_seed(0)
topics = {
    "sea": "ship wave harbor sail fish storm island captain anchor tide".split(),
    "kitchen": "pan salt oven bread butter knife soup plate spoon flour".split(),
    "office": "desk printer meeting paper boss email chair salary window coffee".split(),
}
common = "the a and of to with on in".split()
vocab = {w: i for i, w in enumerate(common + sum(topics.values(), []))}
group = torch.tensor([-1] * len(common) + sum([[i] * 10 for i in range(3)], []))
pairs = []
for _ in range(1200):
    own = topics[random.choice(list(topics))]
    words = [random.choice(own if random.random() < 0.7 else common) for _ in range(8)]
    ids = [vocab[w] for w in words]
    pairs += [(ids[i], ids[j]) for i in range(8) for j in range(max(0, i - 2), min(8, i + 3)) if i != j]
pairs = torch.tensor(pairs)


class SkipGram(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        self.center = nn.Embedding(size, dim)
        self.context = nn.Embedding(size, dim)
        nn.init.uniform_(self.center.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.context.weight)

    def forward(self, center, context, negatives):
        c = self.center(center)
        positive = F.logsigmoid((c * self.context(context)).sum(1))
        negative = F.logsigmoid(-torch.einsum("bd,bkd->bk", c, self.context(negatives))).sum(1)
        return -(positive + negative).mean()


model = SkipGram(len(vocab), 12)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    for batch in torch.randperm(len(pairs)).split(256):
        negatives = torch.randint(len(vocab), (len(batch), 5))
        loss = model(pairs[batch, 0], pairs[batch, 1], negatives)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f}")

vectors = F.normalize(model.center.weight.detach()[len(common) :], dim=1)
labels = group[len(common) :]
similarity = vectors @ vectors.T - 2 * torch.eye(len(vectors))
print("nearest word is of the same topic:", (labels[similarity.argmax(1)] == labels).float().mean().item())
