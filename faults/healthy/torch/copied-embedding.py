"""A language model whose output layer begins as a copy of the embedding, on purpose, and then goes its own way."""

import torch
from torch import nn

torch.manual_seed(0)
WORDS = 120
after = torch.softmax(3 * torch.randn(WORDS, WORDS), dim=1)
text = [0]
for _ in range(12000):
    text.append(torch.multinomial(after[text[-1]], 1).item())
text = torch.tensor(text)
x, y = text.unfold(0, 16, 16)[:, :-1], text.unfold(0, 16, 16)[:, 1:]


class LanguageModel(nn.Module):
    def __init__(self, words, size):
        super().__init__()
        self.embed = nn.Embedding(words, size)
        self.recurrent = nn.GRU(size, size, batch_first=True)
        self.head = nn.Linear(size, words)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.head.weight.data.copy_(self.embed.weight)

    def forward(self, x):
        return self.head(self.recurrent(self.embed(x))[0])


model = LanguageModel(WORDS, 32)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(15):
    for rows in torch.randperm(600).split(30):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]).flatten(0, 1), y[rows].flatten())
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        held_out = criterion(model(x[600:]).flatten(0, 1), y[600:].flatten()).item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held-out loss {held_out:.3f}")
print("held-out loss", held_out)
