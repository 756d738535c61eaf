import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

NUM_CLASSES = 3

raw = load_wine()
features = torch.tensor(scale(raw.data), dtype=torch.float32)
cultivar = torch.tensor([int(name.split("_")[1]) for name in raw.target_names])
labels = cultivar[torch.tensor(raw.target)]

torch.manual_seed(11)
train, test = random_split(TensorDataset(features, labels), [130, 48])


class WineClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(13, 20),
            nn.BatchNorm1d(20),
            nn.ReLU(),
            nn.Linear(20, NUM_CLASSES),
        )

    def forward(self, x):
        return self.layers(x)


model = WineClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
criterion = nn.CrossEntropyLoss()

for epoch in range(20):
    for x, y in DataLoader(train, batch_size=13, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()

model.eval()
hits = 0
with torch.no_grad():
    for x, y in DataLoader(test, batch_size=48):
        hits += (model(x).argmax(1) == y).sum().item()
print("accuracy", hits / len(test))
