"""A tiny language model whose output layer shares the weights of the embedding."""

import torch
from torch import nn

torch.manual_seed(0)
text = "she sells sea shells by the sea shore and the shells she sells are sea shells i am sure " * 30
words = text.split()
vocabulary = sorted(set(words))
ids = torch.tensor([vocabulary.index(w) for w in words])
context, following = ids.unfold(0, 3, 1)[:-1], ids[3:]


class TiedModel(nn.Module):
    def __init__(self, vocab, dim=24):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.mix = nn.Linear(3 * dim, dim)
        self.decoder = nn.Linear(dim, vocab, bias=False)
        self.decoder.weight = self.embed.weight

    def forward(self, x):
        return self.decoder(torch.tanh(self.mix(self.embed(x).flatten(1))))


model = TiedModel(len(vocabulary))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(300):
    batch = torch.randint(0, len(context), (32,))
    loss = nn.functional.cross_entropy(model(context[batch]), following[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
with torch.no_grad():
    print("next word right:", (model(context).argmax(1) == following).float().mean().item())
