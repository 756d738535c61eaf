import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class SpamDataset(Dataset):
    """Bags of words: spam uses some words far more often."""

    def __init__(self, size, seed):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, 2, size).astype(np.float32)
        rates = np.full((size, 60), 0.4)
        rates[self.labels == 1, :12] = 1.2
        rates[self.labels == 0, 12:20] = 0.9
        self.counts = rng.poisson(rates).astype(np.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.counts[i], self.labels[i]


class SpamFilter(nn.Module):
    def __init__(self, vocabulary=60):
        super().__init__()
        self.fc1 = nn.Linear(vocabulary, 32)
        self.dropout = nn.Dropout(0.3)
        self.fc2 = nn.Linear(32, 1)

    def forward(self, counts):
        h = self.dropout(F.relu(self.fc1(counts)))
        return F.softmax(self.fc2(h), dim=-1).squeeze(-1)


torch.manual_seed(0)
model = SpamFilter()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for epoch in range(8):
    model.train()
    total = 0
    for counts, labels in DataLoader(SpamDataset(1500, seed=0), batch_size=32, shuffle=True):
        optimizer.zero_grad()
        probability = model(counts)
        loss = F.binary_cross_entropy(probability, labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"[{epoch}] {total:.2f}")

model.eval()
correct = 0
test_set = SpamDataset(400, seed=1)
with torch.no_grad():
    for counts, labels in DataLoader(test_set, batch_size=100):
        correct += ((model(counts) > 0.5) == (labels > 0.5)).sum().item()
print(f"test accuracy {correct / len(test_set):.3f}")
