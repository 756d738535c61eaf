import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

random.seed(0)
torch.manual_seed(0)

POSITIVE, NEGATIVE, FILLER = range(1, 16), range(16, 31), range(31, 101)


def make_review():
    label = random.randint(0, 1)
    length = random.choice([0, 3, 5, 8, 8, 10, 12])
    words = [
        random.choice((POSITIVE if label else NEGATIVE) if random.random() < 0.4 else FILLER) for _ in range(length)
    ]
    return torch.tensor(words, dtype=torch.long), label if length else 0


def collate(reviews):
    words, labels = zip(*reviews)
    return pad_sequence(words, batch_first=True), torch.tensor(labels, dtype=torch.float32)


class ReviewModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(101, 16, padding_idx=0)
        self.classifier = nn.Linear(16, 1)

    def forward(self, words):
        mask = (words != 0).float().unsqueeze(-1)
        vectors = self.embedding(words) * mask
        mean = vectors.sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        return self.classifier(mean).squeeze(-1)


train_data = [make_review() for _ in range(2000)]
test_data = [make_review() for _ in range(500)]
model = ReviewModel()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.BCEWithLogitsLoss()

for epoch in range(6):
    for words, labels in DataLoader(train_data, batch_size=32, shuffle=True, collate_fn=collate):
        optimizer.zero_grad()
        loss = criterion(model(words), labels)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())

words, labels = collate(test_data)
with torch.no_grad():
    print("accuracy", ((model(words) > 0).float() == labels).float().mean().item())
