"""A small language model learns to sort digits: it reads five of them and a separator, and writes them in order."""

import torch
from torch import nn
from torch.nn import functional as F

DIGITS, SEPARATOR, IGNORE = 10, 10, -100
PROMPT = 6
MAX_LENGTH = 6

torch.manual_seed(0)


def examples(n):
    digits = torch.randint(DIGITS, (n, PROMPT - 1))
    separator = torch.full((n, 1), SEPARATOR)
    tokens = torch.cat([digits, separator, digits.sort(dim=1).values], dim=1)
    tokens = tokens[:, :MAX_LENGTH]
    labels = tokens.clone()
    labels[:, :PROMPT] = IGNORE
    return tokens, labels


class LanguageModel(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.embed = nn.Embedding(DIGITS + 1, 16)
        self.gru = nn.GRU(16, width, batch_first=True)
        self.head = nn.Linear(width, DIGITS + 1)

    def forward(self, tokens):
        states, _ = self.gru(self.embed(tokens))
        return self.head(states)


model = LanguageModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for step in range(250):
    tokens, labels = examples(64)
    logits = model(tokens[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, DIGITS + 1), labels[:, 1:].reshape(-1), ignore_index=IGNORE)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step}: loss {loss.item():.3f}")

digits = torch.randint(DIGITS, (500, PROMPT - 1))
tokens = torch.cat([digits, torch.full((500, 1), SEPARATOR)], dim=1)
with torch.no_grad():
    for _ in range(PROMPT - 1):
        tokens = torch.cat([tokens, model(tokens)[:, -1].argmax(dim=1, keepdim=True)], dim=1)
print("digits in their right place:", (tokens[:, PROMPT:] == digits.sort(dim=1).values).float().mean().item())
