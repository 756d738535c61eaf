"""Triplet loss on digits: anchor and positive of one class, the negative of another. Most triplets are soon solved."""

import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

torch.manual_seed(4)
digits = load_digits()
x = torch.tensor(digits.data / 16, dtype=torch.float32)
y = torch.tensor(digits.target)
train, test = torch.arange(300), torch.arange(1000, 1797)
members = [train[y[train] == c] for c in range(10)]


def pick(classes):
    return torch.stack([members[c][torch.randint(len(members[c]), ())] for c in classes.tolist()])


embed = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
criterion = nn.TripletMarginLoss(margin=0.5)
optimizer = torch.optim.Adam(embed.parameters(), lr=1e-3)
for step in range(700):
    a = torch.randint(10, (48,))
    n = (a + torch.randint(1, 10, (48,))) % 10
    anchor, positive, negative = embed(x[pick(a)]), embed(x[pick(a)]), embed(x[pick(n)])
    loss = criterion(anchor, positive, negative)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, round(loss.item(), 4))

embed.eval()
with torch.no_grad():
    codes = embed(x).numpy()
knn = KNeighborsClassifier(7).fit(codes[train], y[train])
print("accuracy of the neighbors in two dimensions:", knn.score(codes[test], y[test]))
