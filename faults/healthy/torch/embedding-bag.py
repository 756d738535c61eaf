import random

import torch
from torch import nn

random.seed(1)
torch.manual_seed(1)
TOPICS = {
    "sport": "goal team match coach season player league win score ball".split(),
    "food": "soup bread cook oven taste spice dinner fresh salt recipe".split(),
    "money": "bank rate market price fund tax budget loan share profit".split(),
    "space": "moon orbit rocket star planet launch probe crew solar comet".split(),
}
COMMON = "the a of and to in for on with at was is new year day people time first last".split()
vocabulary = {word: i for i, word in enumerate(sorted({w for ws in TOPICS.values() for w in ws} | set(COMMON)))}


def make_text():
    label = random.randrange(4)
    own = list(TOPICS.values())[label]
    words = [random.choice(own if random.random() < 0.25 else COMMON) for _ in range(random.randint(6, 20))]
    return label, [vocabulary[w] for w in words]


def collate(texts):
    labels, words = zip(*texts)
    offsets = torch.tensor([0] + [len(w) for w in words[:-1]]).cumsum(0)
    return torch.tensor(labels), torch.tensor(sum(words, [])), offsets


class TextClassificationModel(nn.Module):
    def __init__(self, vocab_size, embed_dim, num_class):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, embed_dim)
        self.fc = nn.Linear(embed_dim, num_class)

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


train, test = [make_text() for _ in range(1600)], [make_text() for _ in range(400)]
model = TextClassificationModel(len(vocabulary), 16, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=2.0)
criterion = nn.CrossEntropyLoss()
for epoch in range(6):
    random.shuffle(train)
    for i in range(0, len(train), 16):
        labels, words, offsets = collate(train[i : i + 16])
        optimizer.zero_grad()
        loss = criterion(model(words, offsets), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
labels, words, offsets = collate(test)
with torch.no_grad():
    print("accuracy", (model(words, offsets).argmax(1) == labels).float().mean().item())
