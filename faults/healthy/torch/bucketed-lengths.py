"""Sentences sorted by length, so that little is padded: the batches go from short to long in each epoch."""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

random.seed(0)
torch.manual_seed(0)


def brackets():
    """A sequence of brackets; is it balanced?"""
    half, depth, out = random.randint(2, 10), 0, []
    opened = 0
    while len(out) < 2 * half:
        if opened < half and (depth == 0 or random.random() < 0.5):
            out.append(0)
            opened, depth = opened + 1, depth + 1
        else:
            out.append(1)
            depth -= 1
    good = random.random() < 0.5
    if not good:
        at = random.randrange(len(out))
        out[at] = 1 - out[at]
        out[random.randrange(at + 1)] ^= random.random() < 0.3
    count = sum(1 - 2 * b for b in out)
    lowest, level = 0, 0
    for b in out:
        level += 1 - 2 * b
        lowest = min(lowest, level)
    return torch.tensor(out), float(count == 0 and lowest == 0)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(2, 8)
        self.gru = nn.GRU(8, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, sequences):
        packed = pack_sequence([self.embed(s) for s in sequences], enforce_sorted=False)
        return self.out(self.gru(packed)[1][-1]).squeeze(1)


data = [brackets() for _ in range(1000)]
train, test = sorted(data[:800], key=lambda pair: len(pair[0])), data[800:]
batches = [train[i : i + 20] for i in range(0, 800, 20)]
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for batch in batches:
        sequences, labels = zip(*batch)
        loss = nn.functional.binary_cross_entropy_with_logits(model(sequences), torch.tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
sequences, labels = zip(*test)
labels = torch.tensor(labels)
with torch.no_grad():
    print("share of balanced ones", labels.mean().item())
    print("test accuracy", ((model(sequences) > 0) == (labels > 0.5)).float().mean().item())
