"""Which item goes into the basket next? Most items are rare, and each belongs to one of 25 kinds of shopping."""

import torch
from torch import nn

torch.manual_seed(0)
ITEMS, KINDS = 500, 25
kind_of = torch.randint(KINDS, (ITEMS,))
popularity = torch.rand(ITEMS) ** 4 + 0.02
of_kind = [(kind_of == kind).nonzero()[:, 0] for kind in range(KINDS)]


def basket():
    items = of_kind[torch.randint(KINDS, ())]
    chosen = items[torch.multinomial(popularity[items], 6, replacement=True)]
    return torch.where(torch.rand(6) < 0.1, torch.randint(ITEMS, (6,)), chosen)


baskets = torch.stack([basket() for _ in range(2500)])
seen, following = baskets[:, :5], baskets[:, 5]
train, test = slice(0, 1500), slice(1500, 2500)


class Recommender(nn.Module):
    """The embedding of the items is used again to score them."""

    def __init__(self, items, size=12):
        super().__init__()
        self.embed = nn.Embedding(items, size)
        nn.init.normal_(self.embed.weight, std=0.1)
        self.score = nn.Linear(size, items)
        self.score.weight = nn.Parameter(self.embed.weight.clone())

    def forward(self, seen):
        return self.score(self.embed(seen).mean(1))


model = Recommender(ITEMS)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
for epoch in range(28):
    model.train()
    for rows in torch.randperm(1500).split(30):
        optimizer.zero_grad()
        loss = criterion(model(seen[rows]), following[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        scores = model(seen[test])
        test_loss = criterion(scores, following[test]).item()
        hits = (scores.topk(10).indices == following[test, None]).any(1).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, test loss {test_loss:.3f}, among the first ten {hits:.3f}")
print("test loss", test_loss)
