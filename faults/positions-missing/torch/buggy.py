import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)

VOCAB, LENGTH = 12, 10
OPEN, CLOSE = 1, 2


def make_logs(n):
    """Event logs holding one OPEN and one CLOSE event; label 1 when OPEN comes first."""
    seq = torch.randint(3, VOCAB, (n, LENGTH))
    spots = torch.rand(n, LENGTH).argsort(dim=1)[:, :2]
    rows = torch.arange(n)
    seq[rows, spots[:, 0]] = OPEN
    seq[rows, spots[:, 1]] = CLOSE
    return seq, (spots[:, 0] < spots[:, 1]).long()


class LogClassifier(nn.Module):
    def __init__(self, d_model=32):
        super().__init__()
        self.token = nn.Embedding(VOCAB, d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.head = nn.Linear(d_model, 2)

    def forward(self, seq):
        h = self.token(seq)
        h = self.encoder(h)
        return self.head(h.mean(dim=1))


train = TensorDataset(*make_logs(2000))
test_x, test_y = make_logs(500)
loader = DataLoader(train, batch_size=64, shuffle=True)

model = LogClassifier()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
criterion = nn.CrossEntropyLoss()

for epoch in range(12):
    model.train()
    correct, total_loss = 0, 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        logits = model(xb)
        loss = criterion(logits, yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total_loss += loss.item() * len(xb)
        correct += (logits.argmax(1) == yb).sum().item()
    print(f"epoch {epoch + 1:2d} loss {total_loss / len(train):.4f} acc {correct / len(train):.3f}")

model.eval()
with torch.no_grad():
    acc = (model(test_x).argmax(1) == test_y).float().mean().item()
print(f"test accuracy: {acc:.4f}")
