"""A character model of simple sentences; then it is asked for the character after each prefix of new ones."""

import random

import torch
from torch import nn

random.seed(5)
torch.manual_seed(5)


def sentence():
    who, what = random.choice(["the cat", "a dog", "my aunt"]), random.choice(["sees", "likes", "paints"])
    return f"{who} {what} {random.choice(['the moon', 'a tree', 'old boats'])}. "


text = "".join(sentence() for _ in range(900))
letters = sorted(set(text))
codes = torch.tensor([letters.index(letter) for letter in text])
train, test = codes[:20000], codes[20000:]


class Characters(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(letters), 16)
        self.lstm = nn.LSTM(16, 64, batch_first=True)
        self.head = nn.Linear(64, len(letters))

    def forward(self, x):
        return self.head(self.lstm(self.embed(x))[0])


model = Characters()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
loss_fn = nn.CrossEntropyLoss()
for step in range(300):
    starts = torch.randint(0, len(train) - 33, (32,))
    pieces = torch.stack([train[start : start + 33] for start in starts])
    x, y = pieces[:, :-1], pieces[:, 1:]
    loss = loss_fn(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step}: loss {loss.item():.3f}")
with torch.no_grad():
    guesses = model(test[None, :-1]).argmax(dim=2)[0]
print("next characters right", (guesses == test[1:]).float().mean().item())
