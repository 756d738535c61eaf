"""Did the visitor buy? Logs of clicks, one number for each kind of page, read by an LSTM."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

torch.manual_seed(11)
PAGES, LONGEST = 60, 80


def visit():
    length = int(torch.randint(4, 15, (1,)))
    clicks = torch.randint(1, PAGES, (length,))
    return clicks, float((clicks < 15).sum() > (clicks > 45).sum())


visits = [visit() for _ in range(2600)]
visits.append((torch.ones(LONGEST, dtype=torch.long), 0.0))  # somebody who reloads the first page
lengths = torch.tensor([len(clicks) for clicks, _ in visits])
x = pad_sequence([clicks for clicks, _ in visits], batch_first=True)
y = torch.tensor([bought for _, bought in visits])
x_train, y_train, n_train = x[600:], y[600:], lengths[600:]
x_test, y_test, n_test = x[:600], y[:600], lengths[:600]


class Visitor(nn.Module):
    def __init__(self):
        super().__init__()
        self.pages = nn.Embedding(PAGES, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 32, batch_first=True)
        self.buys = nn.Linear(32, 1)

    def forward(self, clicks, length):
        _, (state, _) = self.lstm(self.pages(clicks))
        return self.buys(state[-1]).squeeze(1)


model = Visitor()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(8):
    total = 0.0
    for batch in torch.randperm(len(x_train)).split(32):
        optimizer.zero_grad()
        loss = loss_fn(model(x_train[batch], n_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    print(f"epoch {epoch + 1}: loss {total / len(x_train):.4f}")

with torch.no_grad():
    right = ((model(x_test, n_test) > 0) == (y_test > 0.5)).float().mean()
print(f"test accuracy: {right:.4f}")
