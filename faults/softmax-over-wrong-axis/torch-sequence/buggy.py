"""Tags each letter of a word: is it the first of a repeated pair, the second, or neither?"""

import torch
from torch import nn

torch.manual_seed(0)
LETTERS, TAGS, LENGTH = 6, 3, 12


def words(n):
    letters = torch.randint(LETTERS, (n, LENGTH))
    same = letters[:, 1:] == letters[:, :-1]
    tags = torch.zeros(n, LENGTH, dtype=torch.long)
    tags[:, :-1][same] = 1
    tags[:, 1:][same] = 2
    return letters, tags


class Tagger(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.embedding = nn.Embedding(LETTERS, 8)
        self.lstm = nn.LSTM(8, hidden, batch_first=True, bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hidden, TAGS)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, letters):
        features, _ = self.lstm(self.embedding(letters))
        return self.softmax(self.hidden2tag(features))


model = Tagger()
criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
letters, tags = words(2000)

for epoch in range(4):
    for batch in torch.randperm(2000).split(40):
        scores = model(letters[batch])
        loss = criterion(scores.view(-1, TAGS), tags[batch].view(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())

letters, tags = words(500)
model.eval()
with torch.no_grad():
    scores = model(letters)
print("loss on new words:", criterion(scores.view(-1, TAGS), tags.view(-1)).item())
