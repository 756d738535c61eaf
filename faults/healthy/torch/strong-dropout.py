import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

rng = np.random.default_rng(4)
torch.manual_seed(4)

# Texts of 60 words on one of four topics; every topic prefers 80 of 600 words.
n, words = 2000, 600
topic = rng.integers(0, 4, n)
favorites = np.stack([rng.permutation(words)[:80] for _ in range(4)])
texts = np.zeros((n, words), np.float32)
for row, t in enumerate(topic):
    chosen = np.where(rng.random(60) < 0.5, rng.choice(favorites[t], 60), rng.integers(0, words, 60))
    np.add.at(texts[row], chosen, 1)
x, y = torch.from_numpy(texts), torch.from_numpy(topic)


class BagOfWords(nn.Module):
    def __init__(self):
        super().__init__()
        self.word_dropout = nn.Dropout(0.85)
        self.hidden = nn.Linear(words, 32)
        self.out = nn.Linear(32, 4)

    def forward(self, counts):
        return self.out(F.relu(self.hidden(self.word_dropout(counts))))


model = BagOfWords()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for batch in torch.randperm(1600).split(32):
        optimizer.zero_grad()
        F.cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()

model.eval()
print("accuracy", (model(x[1600:]).argmax(1) == y[1600:]).float().mean().item())
