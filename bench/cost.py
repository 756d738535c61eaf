"""What watching costs, as a ratio to the unwatched step time: ``python -m bench.cost [--steps N] [--model NAME]``.

Watched and unwatched blocks of steps alternate on the same model in one process (PyTorch, CPU, one thread), so that a
machine whose speed drifts slows both. Two figures are printed: the median over pairs of neighboring blocks, and the
ratio of the sums, which also holds the expensive first steps, in which every layer of every step is recorded.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from deeplocalize.frameworks.session import Session
from deeplocalize.frameworks.torch.probe import TorchProbe
from deeplocalize.trace import TraceLog

Case = tuple[nn.Module, torch.Tensor, torch.Tensor]


def mlp() -> Case:
    """784-512-512-10, batch 128."""
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    return model, torch.randn(128, 784), torch.randint(0, 10, (128,))


def cnn() -> Case:
    """Three convolutions on 3x32x32 images, batch 64."""
    model = nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(64, 10)),
    )
    return model, torch.randn(64, 3, 32, 32), torch.randint(0, 10, (64,))


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 4)
        self.head = nn.Linear(256, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x).mean(1))


def transformer() -> Case:
    """Four encoder layers, d = 256, sequence 64, batch 16."""
    return Encoder(), torch.randn(16, 64, 256), torch.randint(0, 10, (16,))


CASES: dict[str, tuple[Callable[[], Case], int]] = {
    "mlp": (mlp, 2000),
    "cnn": (cnn, 600),
    "transformer": (transformer, 300),
}


def block(case: Case, optimizer: torch.optim.Optimizer, steps: int) -> float:
    """Seconds for so many training steps."""
    model, x, y = case
    began = time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return time.perf_counter() - began


def measure(name: str, steps: int | None, size: int = 5) -> tuple[float, float, float, int]:
    """(unwatched seconds a step, median ratio of blocks, ratio of sums, watched steps)."""
    make, default = CASES[name]
    torch.manual_seed(0)
    case = make()
    optimizer = torch.optim.Adam(case[0].parameters(), 1e-4)
    block(case, optimizer, 3)
    with tempfile.TemporaryDirectory() as folder:
        probe = TorchProbe(Session(TraceLog(Path(folder) / "cost.trace")))
        plain, watched = [], []
        for _ in range((steps or default) // size):
            plain.append(block(case, optimizer, size))
            probe.watch(case[0], optimizer)
            watched.append(block(case, optimizer, size))
            probe.uninstall()
    ratios = [b / a for a, b in zip(plain, watched, strict=True)]
    return statistics.median(plain) / size, statistics.median(ratios), sum(watched) / sum(plain), len(watched) * size


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, help="watched steps (default: 2000, 600 and 300)")
    parser.add_argument("--model", choices=CASES, action="append", help="only this one")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'model':12} {'unwatched ms':>12} {'median ratio':>13} {'ratio of sums':>14} {'watched steps':>14}")
    for name in options.model or CASES:
        seconds, median, total, count = measure(name, options.steps)
        print(f"{name:12} {seconds * 1e3:12.2f} {median:13.3f} {total:14.3f} {count:14}", flush=True)


if __name__ == "__main__":
    main()
