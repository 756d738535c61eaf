"""Graph classification by hand-written message passing: which node type sits next to type 0?"""

from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    nodes: int = 14
    types: int = 4
    hidden: int = 48
    layers: int = 2
    batch: int = 8
    train: int = 3200
    test: int = 500
    epochs: int = 8
    lr: float = 3e-3
    seed: int = 1


def make_graphs(n, cfg, gen):
    """class c: nodes of type 0 are linked with nodes of type c + 1."""
    kind = torch.randint(cfg.types, (n, cfg.nodes), generator=gen)
    label = torch.randint(cfg.types - 1, (n,), generator=gen)
    p = torch.full((n, cfg.nodes, cfg.nodes), 0.18)
    a, b = kind.unsqueeze(2), kind.unsqueeze(1)
    want = (label + 1).view(-1, 1, 1)
    p[(a == 0) & (b > 0) & (b != want)] = 0.02
    p[(a == 0) & (b == want)] = 0.70
    p[(a > 0) & (b > 0)] = 0.36
    up = torch.triu(torch.rand(p.shape, generator=gen) < torch.minimum(p, torch.ones(())), diagonal=1)
    adj = (up | up.transpose(1, 2)).float()
    x = F.one_hot(kind, cfg.types).float()
    x = x + 0.05 * torch.randn(x.shape, generator=gen)
    return x, adj, label


class SageLayer(nn.Module):
    def __init__(self, din, dout):
        super().__init__()
        self.own = nn.Linear(din, dout)
        self.nbr = nn.Linear(din, dout, bias=False)
        self.norm = nn.LayerNorm(dout)

    def forward(self, x, adj):
        deg = adj.sum(-1, keepdim=True)
        mean = adj @ x / deg
        return F.relu(self.norm(self.own(x) + self.nbr(mean)))


class GraphNet(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        dims = [cfg.types] + [cfg.hidden] * cfg.layers
        self.layers = nn.ModuleList([SageLayer(a, b) for a, b in zip(dims, dims[1:])])
        self.readout = nn.Sequential(
            nn.Linear(2 * cfg.hidden, cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, cfg.types - 1)
        )

    def forward(self, x, adj):
        for layer in self.layers:
            x = layer(x, adj)
        pooled = torch.cat([x.mean(1), x.amax(1)], dim=1)
        return self.readout(pooled)


class Trainer:
    def __init__(self, model, cfg, gen):
        self.model, self.cfg, self.gen = model, cfg, gen
        self.opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
        self.history = []

    def train_epoch(self, x, adj, y):
        order = torch.randperm(len(x), generator=self.gen)
        losses = []
        for idx in order.split(self.cfg.batch):
            loss = F.cross_entropy(self.model(x[idx], adj[idx]), y[idx])
            if not torch.isfinite(loss):  # protects the weights from a broken batch
                continue
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            losses.append(loss.item())
        return sum(losses) / max(1, len(losses))

    @torch.no_grad()
    def accuracy(self, x, adj, y):
        self.model.eval()
        pred = self.model(x, adj).argmax(1)
        self.model.train()
        return (pred == y).float().mean().item()


def main():
    torch.set_num_threads(1)
    cfg = Config()
    torch.manual_seed(cfg.seed)
    gen = torch.Generator().manual_seed(cfg.seed)
    train = make_graphs(cfg.train, cfg, gen)
    test = make_graphs(cfg.test, cfg, gen)
    trainer = Trainer(GraphNet(cfg), cfg, gen)
    for epoch in range(cfg.epochs):
        loss = trainer.train_epoch(*train)
        trainer.history.append((loss, trainer.accuracy(*test)))
        print(f"epoch {epoch} loss {loss:.4f} acc {trainer.history[-1][1]:.4f}")
    print(f"RESULT {trainer.history[-1][1]:.4f}")


if __name__ == "__main__":
    main()
