"""Sessions of a web shop: does somebody come back to the page on which the session began?"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(4)
PAGES, LENGTH = 12, 10


def sessions(count):
    """Half of the sessions visit their first page again."""
    visits = torch.randint(1, PAGES, (count, LENGTH))
    visits[:, 1:] += (visits[:, 1:] == visits[:, :1]) * torch.randint(1, PAGES - 1, (count, LENGTH - 1))
    visits = (visits - 1) % (PAGES - 1)
    returns = torch.rand(count) < 0.5
    at = torch.randint(1, LENGTH, (count,))
    visits[returns, at[returns]] = visits[returns, 0]
    return visits, (visits[:, 1:] == visits[:, :1]).any(dim=1).float()


class Returning(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.pages = nn.Embedding(PAGES, dim)
        self.places = nn.Parameter(torch.randn(LENGTH, dim) * 0.1)
        self.encoder = nn.TransformerEncoderLayer(d_model=dim, nhead=4, dim_feedforward=64, dropout=0.0)
        self.head = nn.Linear(dim, 1)

    def forward(self, visits):
        h = self.encoder(self.pages(visits) + self.places)
        return self.head(h[:, 0]).squeeze(-1)


x_train, y_train = sessions(4000)
x_test, y_test = sessions(1000)
model = Returning()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(10):
    for batch in torch.randperm(len(x_train)).split(64):
        loss = F.binary_cross_entropy_with_logits(model(x_train[batch]), y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
model.eval()
with torch.no_grad():
    right = (model(x_test) > 0) == (y_test > 0.5)
print("test accuracy", right.float().mean().item(), flush=True)
