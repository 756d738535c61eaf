"""Balanced or not? Brackets of two kinds, padded sequences."""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

random.seed(0)
torch.manual_seed(0)


def make_example():
    depth, text = 0, []
    ok = random.random() < 0.5
    for _ in range(random.randint(3, 8)):
        if depth == 0 or random.random() < 0.5:
            text.append(1)
            depth += 1
        else:
            text.append(2)
            depth -= 1
    text += [2] * depth
    if not ok:
        i = random.randrange(len(text))
        text[i] = 3 - text[i]
    return torch.tensor(text), float(ok)


def collate(examples):
    text, ok = zip(*examples)
    return pad_sequence(text, batch_first=True), torch.tensor([len(s) for s in text]), torch.tensor(ok)


class Checker(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(3, 8, padding_idx=0)
        self.gru = nn.GRU(8, 24, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(48, 1)

    def forward(self, text, lengths):
        packed = pack_padded_sequence(self.embed(text), lengths, batch_first=True, enforce_sorted=False)
        _, h = self.gru(packed)
        return self.fc(torch.cat([h[0], h[1]], dim=1)).squeeze(1)


train = [make_example() for _ in range(1600)]
test = [make_example() for _ in range(400)]
model = Checker()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(8):
    random.shuffle(train)
    for i in range(0, len(train), 32):
        text, lengths, ok = collate(train[i : i + 32])
        loss = nn.functional.binary_cross_entropy_with_logits(model(text, lengths), ok)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", round(loss.item(), 4))
text, lengths, ok = collate(test)
with torch.no_grad():
    print("accuracy", ((model(text, lengths) > 0).float() == ok).float().mean().item())
