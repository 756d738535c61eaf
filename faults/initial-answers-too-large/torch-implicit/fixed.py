import numpy as np
import torch
from torch import nn

torch.manual_seed(9)
rng = np.random.default_rng(9)

# who bought what: every customer has a few favorite groups of articles
n_customers, n_articles, n_groups = 250, 180, 6
groups = rng.integers(0, n_groups, n_articles)
favorite = rng.random((n_customers, n_groups)) < 0.4
customer = rng.integers(0, n_customers, 12000)
article = rng.integers(0, n_articles, 12000)
bought = rng.random(12000) < np.where(favorite[customer, groups[article]], 0.9, 0.1)
customer, article = torch.from_numpy(customer), torch.from_numpy(article)
bought = torch.from_numpy(bought).float()
is_train = torch.arange(12000) < 10000


class Bought(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.customers = nn.Embedding(n_customers, dim)
        self.articles = nn.Embedding(n_articles, dim)

    def forward(self, customer, article):
        return torch.einsum("bd,bd->b", self.customers(customer), self.articles(article))


net = Bought()
for table in (net.customers, net.articles):
    nn.init.normal_(table.weight, std=0.1)
opt = torch.optim.Adam(net.parameters(), lr=0.003)
bce = nn.BCEWithLogitsLoss()
c, a, b = customer[is_train], article[is_train], bought[is_train]
for epoch in range(15):
    order = torch.randperm(len(c))
    for rows in order.split(64):
        opt.zero_grad()
        loss = bce(net(c[rows], a[rows]), b[rows])
        loss.backward()
        opt.step()
    with torch.inference_mode():
        held_out = bce(net(customer[~is_train], article[~is_train]), bought[~is_train])
    print(epoch, loss.item(), held_out.item())
with torch.inference_mode():
    right = (net(customer[~is_train], article[~is_train]) > 0) == bought[~is_train].bool()
print("accuracy", right.float().mean().item())
