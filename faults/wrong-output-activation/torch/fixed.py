"""Tag short texts with any number of topics."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

TOPICS, WORDS = 6, 120

rng = np.random.default_rng(4)
torch.manual_seed(4)
tags = (rng.random((2500, TOPICS)) < 0.35).astype(np.float32)
topic_words = rng.random((TOPICS, WORDS)) < 0.08
rates = 0.15 + 0.9 * (tags @ topic_words)
texts = rng.poisson(rates).astype(np.float32)

train = TensorDataset(torch.tensor(texts[:2000]), torch.tensor(tags[:2000]))
test_texts, test_tags = torch.tensor(texts[2000:]), torch.tensor(tags[2000:])


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(WORDS, 48)
        self.relu = nn.ReLU()
        self.decoder = nn.Linear(48, TOPICS)
        self.activation = nn.Sigmoid()

    def forward(self, x):
        return self.activation(self.decoder(self.relu(self.encoder(x))))


tagger = Tagger()
loss_function = nn.BCELoss()
optimizer = torch.optim.Adam(tagger.parameters(), lr=0.002)
for epoch in range(10):
    losses = []
    for text, tag in DataLoader(train, batch_size=40, shuffle=True):
        loss = loss_function(tagger(text), tag)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch}: {np.mean(losses):.4f}")

with torch.no_grad():
    found = (tagger(test_texts) > 0.5).float()
hits = (found * test_tags).sum()
print("F1", (2 * hits / (found.sum() + test_tags.sum())).item())
