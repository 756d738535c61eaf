"""Tags for each word of a sentence: time comes first, sentences are padded, padding has the label -1."""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

random.seed(1)
torch.manual_seed(1)
nouns, verbs, rest = range(1, 30), range(30, 60), range(60, 70)


def sentence():
    """After a word of the rest, a noun is used as a verb and the other way round."""
    words, tags, swapped = [], [], False
    for _ in range(random.randint(4, 20)):
        kind = random.choice([0, 0, 1, 1, 2])
        words.append(random.choice([nouns, verbs, rest][kind]))
        tags.append(2 if kind == 2 else 1 - kind if swapped else kind)
        swapped = kind == 2
    return torch.tensor(words), torch.tensor(tags)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(70, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 24, bidirectional=True)
        self.tag = nn.Linear(48, 3)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.embed(words), lengths, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0])
        return self.tag(states)


def collate(sentences):
    words = pad_sequence([w for w, _ in sentences])
    tags = pad_sequence([t for _, t in sentences], padding_value=-1)
    return words, tags, torch.tensor([len(w) for w, _ in sentences])


data = [sentence() for _ in range(900)]
model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss(ignore_index=-1)
for epoch in range(6):
    order = random.sample(range(700), 700)
    for i in range(0, 700, 20):
        words, tags, lengths = collate([data[j] for j in order[i : i + 20]])
        loss = criterion(model(words, lengths).flatten(0, 1), tags.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    words, tags, lengths = collate(data[700:])
    right = (model(words, lengths).argmax(-1) == tags)[tags >= 0]
print("test accuracy of the tags", right.float().mean().item())
