"""Distil a wide MLP into a small student on the 8x8 digits, body and head with their own optimizer."""

from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Cfg:
    temperature: float = 3.0
    alpha: float = 0.7
    epochs: int = 50
    teacher_epochs: int = 25
    batch: int = 64
    body_lr: float = 1e-3
    head_lr: float = 0.3
    seed: int = 3


def data(seed):
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 16.0, dtype=torch.float32) - 0.3
    y = torch.tensor(y)
    xa, xb, ya, yb = train_test_split(x, y, test_size=0.35, random_state=seed, stratify=y)
    return xa, ya, xb, yb


class Net(nn.Module):
    def __init__(self, width, depth, p=0.0):
        super().__init__()
        dims = [64] + [width] * depth
        self.body = nn.Sequential(
            *[
                layer
                for a, b in zip(dims, dims[1:])
                for layer in (nn.Linear(a, b), nn.LayerNorm(b), nn.GELU(), nn.Dropout(p))
            ]
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.body(x))


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    acc = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return acc


def train_teacher(cfg, loader):
    teacher = Net(192, 2, p=0.2)
    opt = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for _ in range(cfg.teacher_epochs):
        for xb, yb in loader:
            opt.zero_grad()
            F.cross_entropy(teacher(xb), yb).backward()
            opt.step()
    return teacher.eval().requires_grad_(False)


class Distiller:
    def __init__(self, cfg, student, teacher):
        self.cfg, self.student, self.teacher = cfg, student, teacher
        self.body_opt = torch.optim.AdamW(student.body.parameters(), lr=cfg.body_lr, weight_decay=1e-3)
        self.head_opt = torch.optim.SGD(student.head.parameters(), lr=cfg.head_lr, momentum=0.9)
        self.scheds = [
            torch.optim.lr_scheduler.CosineAnnealingLR(o, cfg.epochs) for o in (self.body_opt, self.head_opt)
        ]

    def loss(self, x, y):
        t = self.cfg.temperature
        logits = self.student(x)
        with torch.no_grad():
            soft = F.softmax(self.teacher(x) / t, dim=1)
        kd = F.kl_div(F.log_softmax(logits / t, dim=1), soft, reduction="batchmean") * t * t
        return self.cfg.alpha * kd + (1 - self.cfg.alpha) * F.cross_entropy(logits, y)

    def step(self, x, y):
        self.student.zero_grad(set_to_none=True)
        loss = self.loss(x, y)
        loss.backward()
        self.body_opt.step()
        self.head_opt.step()
        return loss.item()

    def fit(self, loader):
        for epoch in range(self.cfg.epochs):
            total = 0.0
            for x, y in loader:
                total += self.step(x, y)
            for s in self.scheds:
                s.step()
            if epoch % 10 == 0:
                print(f"epoch {epoch} loss {total / len(loader):.4f}")


def main():
    torch.set_num_threads(1)
    cfg = Cfg()
    torch.manual_seed(cfg.seed)
    xa, ya, xb, yb = data(cfg.seed)
    loader = DataLoader(TensorDataset(xa, ya), batch_size=cfg.batch, shuffle=True, drop_last=True)
    teacher = train_teacher(cfg, loader)
    print(f"teacher {accuracy(teacher, xb, yb):.3f}")
    teacher.eval()
    student = Net(24, 2)
    Distiller(cfg, student, teacher).fit(loader)
    print(f"RESULT {accuracy(student, xb, yb):.4f}")


if __name__ == "__main__":
    main()
