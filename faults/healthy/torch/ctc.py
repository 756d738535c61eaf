"""CTC: noisy frames, and the digits that they spell without saying where each begins. The blank wins at first."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
shapes = torch.randn(6, 8)  # one for the blank and each of five symbols


def utterances(n, symbols=4, frames=20):
    labels = torch.randint(1, 6, (n, symbols))
    x = torch.zeros(n, frames, 8)
    for row in range(n):
        at = 0
        for k in range(symbols):
            at += int(torch.randint(1, 3, ()))
            length = int(torch.randint(1, 4, ()))
            x[row, at : at + length] = shapes[labels[row, k]]
            at += length
    return x + 0.3 * torch.randn_like(x), labels


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(8, 32, 3, padding=1)
        self.rnn = nn.GRU(32, 32, bidirectional=True, batch_first=True)
        self.out = nn.Linear(64, 6)

    def forward(self, x):
        x = F.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        return F.log_softmax(self.out(self.rnn(x)[0]), dim=-1)


model = Recognizer()
ctc = nn.CTCLoss(blank=0, zero_infinity=True)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
x, y = utterances(800)
for epoch in range(8):
    for batch in torch.randperm(700).split(25):
        log_probs = model(x[batch]).transpose(0, 1)
        lengths = torch.full((len(batch),), 20), torch.full((len(batch),), 4)
        loss = ctc(log_probs, y[batch], *lengths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")

right = 0
with torch.no_grad():
    for path, label in zip(model(x[700:]).argmax(-1), y[700:]):
        spelled = [int(s) for s in torch.unique_consecutive(path) if s != 0]
        right += spelled == label.tolist()
print("words spelled right:", right / 100)
