"""Reverse a padded sequence of symbols with a small transformer encoder."""

import math

import torch
from torch import nn

PAD, SYMBOLS, LENGTH = 0, 8, 8


class Reverser(nn.Module):
    def __init__(self, dim=32, heads=4, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS + 1, dim, padding_idx=PAD)
        self.register_buffer("position", self.sinusoids(dim))
        layer = nn.TransformerEncoderLayer(dim, heads, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Linear(dim, SYMBOLS + 1)

    @staticmethod
    def sinusoids(dim):
        angle = torch.arange(LENGTH)[:, None] * torch.exp(-math.log(100.0) * torch.arange(0, dim, 2) / dim)
        return torch.cat([angle.sin(), angle.cos()], dim=1)

    def forward(self, tokens):
        x = self.embedding(tokens) + self.position
        return self.out(self.encoder(x, src_key_padding_mask=tokens == PAD))


def make_batch(n):
    tokens = torch.randint(1, SYMBOLS + 1, (n, LENGTH))
    lengths = torch.randint(5, LENGTH + 1, (n,))
    index = torch.arange(LENGTH)
    tokens[index >= lengths[:, None]] = PAD
    back = (lengths[:, None] - 1 - index).clamp(min=0)
    return tokens, tokens.gather(1, back).masked_fill(tokens == PAD, -100)


torch.manual_seed(0)
model = Reverser()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for step in range(500):
    tokens, target = make_batch(48)
    loss = criterion(model(tokens).flatten(0, 1), target.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 100 == 0:
        print("step", step, "loss", loss.item())
model.eval()
with torch.no_grad():
    tokens, target = make_batch(200)
    right = model(tokens).argmax(-1)[target >= 0] == target[target >= 0]
print("symbols right:", right.float().mean().item())
