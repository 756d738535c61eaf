"""Identity-initialised ReLU RNN on the adding problem (add the two marked numbers of a sequence)."""

from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class RunConfig:
    length: int = 20
    hidden: int = 64
    batch: int = 64
    steps: int = 2000
    lr: float = 0.02
    momentum: float = 0.9
    max_norm: float = 0.5
    warmup: int = 50
    log_every: int = 250
    seed: int = 10


def adding_batch(n, length, gen):
    values = torch.rand(n, length, generator=gen)
    marks = torch.zeros(n, length)
    first = torch.randint(length // 2, (n,), generator=gen)
    second = torch.randint(length // 2, length, (n,), generator=gen)
    rows = torch.arange(n)
    marks[rows, first] = 1
    marks[rows, second] = 1
    target = (values * marks).sum(1) - 1.0
    return torch.stack([values, marks], dim=2), target


class IRNN(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.rnn = nn.RNN(2, cfg.hidden, nonlinearity="relu", batch_first=True)
        self.norm = nn.Identity()
        self.out = nn.Linear(cfg.hidden, 1)
        self.reset(cfg.hidden)

    def reset(self, hidden):
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(torch.eye(hidden))
            self.rnn.weight_ih_l0.normal_(0, 0.1)
            self.rnn.bias_hh_l0.zero_()
            self.rnn.bias_ih_l0.zero_()

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.out(self.norm(h[:, -1])).squeeze(-1)


class Meter:
    def __init__(self):
        self.value, self.count = 0.0, 0

    def add(self, v):
        self.value += v
        self.count += 1

    def pop(self):
        out = self.value / max(1, self.count)
        self.value, self.count = 0.0, 0
        return out


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        self.model = IRNN(cfg)
        self.opt = torch.optim.SGD(self.model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
        self.sched = torch.optim.lr_scheduler.LambdaLR(
            self.opt, lambda s: min(1.0, (s + 1) / cfg.warmup) * (0.2 if s > 0.8 * cfg.steps else 1.0)
        )
        self.gen = torch.Generator().manual_seed(cfg.seed)
        self.loss_meter, self.norm_meter = Meter(), Meter()

    def step(self):
        x, y = adding_batch(self.cfg.batch, self.cfg.length, self.gen)
        self.opt.zero_grad(set_to_none=True)
        loss = F.mse_loss(self.model(x), y)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.max_norm)
        self.opt.step()
        self.sched.step()
        self.loss_meter.add(loss.item())
        self.norm_meter.add(float(norm))

    def fit(self):
        self.model.train()
        for step in range(1, self.cfg.steps + 1):
            self.step()
            if step % self.cfg.log_every == 0:
                print(f"step {step} loss {self.loss_meter.pop():.4f} grad norm {self.norm_meter.pop():.3f}")

    @torch.no_grad()
    def score(self):
        self.model.eval()
        x, y = adding_batch(2000, self.cfg.length, torch.Generator().manual_seed(4321))
        pred = torch.nan_to_num(self.model(x), nan=0.0, posinf=10.0, neginf=-10.0)
        r2 = 1 - F.mse_loss(pred, y) / y.var()
        return max(r2.item(), -1.0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    cfg = RunConfig()
    torch.manual_seed(cfg.seed)
    trainer = Trainer(cfg)
    trainer.fit()
    print(f"RESULT {trainer.score():.4f}")
