import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.nn.utils import clip_grad_norm_

CLIP = 1.0


class RowReader(nn.Module):
    """Reads a digit row by row."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(8, 32, batch_first=True)
        self.classify = nn.Linear(32, 10)

    def forward(self, rows):
        states, _ = self.rnn(rows)
        return self.classify(states[:, -1])


torch.manual_seed(4)
digits = load_digits()
images = torch.tensor(digits.images / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
model = RowReader()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    for index in torch.randperm(1500).split(32):
        optimizer.zero_grad()
        loss = criterion(model(images[index]), labels[index])
        loss.backward()
        clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")

with torch.no_grad():
    print("test accuracy", (model(images[1500:]).argmax(1) == labels[1500:]).float().mean().item())
