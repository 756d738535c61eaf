import torch
from torch import nn

torch.manual_seed(0)
VOCAB, LENGTH = 12, 6


class Encoder(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, source):
        return self.gru(self.embed(source))[1]


class Decoder(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(VOCAB + 1, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, VOCAB)

    def forward(self, previous, state):
        answer, state = self.gru(self.embed(previous), state)
        return self.out(answer), state


encoder, decoder = Encoder(), Decoder()

encoder_optimizer = torch.optim.Adam(encoder.parameters(), lr=0.003)
decoder_optimizer = torch.optim.Adam(decoder.parameters(), lr=0.003)
criterion = nn.CrossEntropyLoss()


def batch(n=64):
    source = torch.randint(0, VOCAB, (n, LENGTH))
    return source, source.flip(1)


for step in range(400):
    source, target = batch()
    previous = torch.cat([torch.full((len(source), 1), VOCAB), target[:, :-1]], 1)
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    logits, _ = decoder(previous, encoder(source))
    loss = criterion(logits.flatten(0, 1), target.flatten())
    loss.backward()
    encoder_optimizer.step()
    decoder_optimizer.step()
    if step % 100 == 0:
        print(step, loss.item())
with torch.no_grad():
    source, target = batch(512)
    previous = torch.cat([torch.full((len(source), 1), VOCAB), target[:, :-1]], 1)
    logits, _ = decoder(previous, encoder(source))
print("accuracy", (logits.argmax(2) == target).float().mean().item())
