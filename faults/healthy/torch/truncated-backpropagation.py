"""A character model reads one long text; the state is carried over and detached every 20 characters."""

import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
people, verbs, things = ["anna", "ben", "carl"], ["sees", "buys", "eats"], ["apples", "bread", "corn"]
text = "".join(f"{random.choice(people)} {random.choice(verbs)} {random.choice(things)}. " for _ in range(1200))
chars = sorted(set(text))
data = torch.tensor([chars.index(c) for c in text])
data = data[: len(data) // 16 * 16].view(16, -1)  # 16 streams next to each other


class CharRNN(nn.Module):
    def __init__(self, size, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(size, 16)
        self.rnn = nn.LSTM(16, hidden, batch_first=True)
        self.out = nn.Linear(hidden, size)

    def forward(self, x, state):
        h, state = self.rnn(self.embed(x), state)
        return self.out(h), state


model = CharRNN(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(5):
    state, right, count = None, 0, 0
    for i in range(0, data.shape[1] - 21, 20):
        x, y = data[:, i : i + 20], data[:, i + 1 : i + 21]
        logits, state = model(x, state)
        state = tuple(s.detach() for s in state)
        loss = nn.functional.cross_entropy(logits.reshape(-1, len(chars)), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        right, count = right + (logits.argmax(-1) == y).sum().item(), count + y.numel()
    print(f"epoch {epoch}: loss {loss.item():.3f}, next character right {right / count:.4f}")
