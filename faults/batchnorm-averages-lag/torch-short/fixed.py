"""Small residual conv net with batch normalisation on the 8x8 digits."""

import argparse
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, Subset


class Digits(Dataset):
    def __init__(self):
        d = load_digits()
        self.x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16.0
        self.y = torch.tensor(d.target)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class ConvBlock(nn.Sequential):
    def __init__(self, cin, cout, stride=1):
        super().__init__(
            nn.Conv2d(cin, cout, 3, stride, 1, bias=False),
            nn.BatchNorm2d(cout, eps=1e-5, momentum=0.1),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.a = ConvBlock(ch, ch)
        self.b = ConvBlock(ch, ch)

    def forward(self, x):
        return x + self.b(self.a(x))


class Net(nn.Module):
    def __init__(self, classes=10, width=16):
        super().__init__()
        self.features = nn.Sequential(
            ConvBlock(1, width),
            Residual(width),
            ConvBlock(width, 2 * width, stride=2),
            Residual(2 * width),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(8 * width, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return self.fc(self.drop(self.features(x)))


class Runner:
    def __init__(self, args, train_set, val_set):
        self.args = args
        self.train_loader = DataLoader(train_set, batch_size=args.batch, shuffle=True, drop_last=True)
        self.val_loader = DataLoader(val_set, batch_size=256)
        self.model = Net()
        self.opt = torch.optim.SGD(self.model.parameters(), lr=args.lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, T_max=args.epochs)
        self.best = (0.0, None)

    def train_epoch(self):
        self.model.train()
        seen = right = 0
        for x, y in self.train_loader:
            logits = self.model(x)
            loss = F.cross_entropy(logits, y, label_smoothing=0.05)
            self.opt.zero_grad(set_to_none=True)
            loss.backward()
            self.opt.step()
            seen += len(y)
            right += (logits.argmax(1) == y).sum().item()
        self.sched.step()
        return right / seen

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        right = sum((self.model(x).argmax(1) == y).sum().item() for x, y in self.val_loader)
        return right / len(self.val_loader.dataset)

    def run(self):
        for epoch in range(self.args.epochs):
            train_acc, acc = self.train_epoch(), self.validate()
            print(f"epoch {epoch} train {train_acc:.4f} val {acc:.4f}")
            if acc >= self.best[0]:
                self.best = (acc, copy.deepcopy(self.model.state_dict()))
        return self.best[0]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=5)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--lr", type=float, default=0.05)
    ap.add_argument("--seed", type=int, default=21)
    args = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    ds = Digits()
    perm = torch.randperm(len(ds)).tolist()
    cut = int(0.7 * len(ds))
    runner = Runner(args, Subset(ds, perm[:cut]), Subset(ds, perm[cut:]))
    print(f"RESULT {runner.run():.4f}")


if __name__ == "__main__":
    main()
