"""BERT in small: 15 % of the tokens are hidden, all other labels are -100 and count for nothing."""

import torch
from torch import nn

torch.manual_seed(0)
VOCAB, MASK, LENGTH = 20, 20, 16


def sentences(n):
    """Each token is the one before plus a step that the sentence keeps."""
    start, step = torch.randint(VOCAB, (n, 1)), torch.randint(1, 4, (n, 1))
    return (start + step * torch.arange(LENGTH)) % VOCAB


def mask(tokens):
    hidden = torch.rand(tokens.shape) < 0.15
    return tokens.masked_fill(hidden, MASK), tokens.masked_fill(~hidden, -100)


class Bert(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.tokens = nn.Embedding(VOCAB + 1, dim)
        self.places = nn.Embedding(LENGTH, dim)
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.1, activation="gelu", batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(dim, VOCAB)

    def forward(self, ids):
        return self.head(self.encoder(self.tokens(ids) + self.places.weight))


model = Bert()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
criterion = nn.CrossEntropyLoss(ignore_index=-100)
for step in range(450):
    ids, labels = mask(sentences(32))
    logits = model(ids)
    loss = criterion(logits.view(-1, VOCAB), labels.view(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: {loss.item():.3f}")

model.eval()
with torch.no_grad():
    ids, labels = mask(sentences(200))
    asked = labels != -100
    right = model(ids).argmax(-1)[asked] == labels[asked]
print("hidden tokens guessed right:", right.float().mean().item())
