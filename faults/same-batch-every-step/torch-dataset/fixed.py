"""Where in a genome do proteins bind? Windows around a motif, cut out of long sequences."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(3)
MOTIF = torch.tensor([0, 3, 3, 1, 0, 2])


def sequences(count, length=60):
    """Letters 0 to 3; half of the sequences hold the motif somewhere."""
    letters = torch.randint(0, 4, (count, length))
    bound = torch.rand(count) < 0.5
    for at in torch.nonzero(bound).flatten().tolist():
        start = int(torch.randint(0, length - len(MOTIF), ()))
        letters[at, start : start + len(MOTIF)] = MOTIF
    return letters, bound.float()


class Chunks(Dataset):
    """Each item is a batch already."""

    def __init__(self, letters, bound, size=32):
        self.letters, self.bound, self.size = letters, bound, size

    def __len__(self):
        return len(self.letters) // self.size

    def __getitem__(self, index):
        part = slice(index * self.size, (index + 1) * self.size)
        one_hot = nn.functional.one_hot(self.letters[part], 4)
        return one_hot.transpose(1, 2).float(), self.bound[part]


class Binding(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 32, 8)
        self.fc = nn.Linear(32, 1)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).amax(dim=2)).squeeze(1)


train, test = sequences(2400), sequences(600)
loader = DataLoader(Chunks(*train), batch_size=None, shuffle=False)
model = Binding()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(8):
    total = 0.0
    for windows, bound in loader:
        optimizer.zero_grad()
        loss = criterion(model(windows), bound)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: {total / len(loader):.4f}")
with torch.no_grad():
    one_hot = nn.functional.one_hot(test[0], 4).transpose(1, 2).float()
    print("test accuracy", ((model(one_hot) > 0).float() == test[1]).float().mean().item())
