"""What watching costs, as a ratio to the unwatched step time: ``python -m bench cost [--model NAME] [--pairs N] [--device cuda]``.

The same program (PyTorch, one thread) is run as `python` and as `deeplocalize run`, one after the other and so many
times; which of the two comes first changes from pair to pair. A program times its own training steps, from the first to the
last, so that the expensive first ones, in which every layer of every step is recorded, are in it. Printed is the median over
the pairs of the ratio of the two times, and the smallest and the largest.

`--also` measures other tools on the same programs in the same way: torch.autograd.detect_anomaly, and, where `transformers`
is installed, its DebugUnderflowOverflow.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from torch import nn

from bench.faults import write_section

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


def _debug_underflow_overflow(model: nn.Module) -> contextlib.AbstractContextManager[object]:
    from transformers.debug_utils import DebugUnderflowOverflow

    return contextlib.nullcontext(DebugUnderflowOverflow(model))


INSIDE: dict[str, Callable[[nn.Module], contextlib.AbstractContextManager[object]]] = {
    "detect_anomaly": lambda model: torch.autograd.set_detect_anomaly(True),
    "DebugUnderflowOverflow": _debug_underflow_overflow,
}
"""Other tools, which a program has to call itself."""


def train(name: str, steps: int, tool: str = "none", device: str = "cpu") -> float:
    """Seconds that so many training steps of a program take."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, x, y = (each.to(device) for each in CASES[name][0]())
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    with INSIDE[tool](model) if tool in INSIDE else contextlib.nullcontext():
        began = time.perf_counter()
        for _ in range(steps):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        loss.item()  # a GPU may still be computing
        return time.perf_counter() - began


def _run(name: str, steps: int, tool: str, device: str) -> float:
    """The same in a process of its own, watched by a tool or by none."""
    with tempfile.TemporaryDirectory() as folder:
        program = ["-m", "bench.cost", "--train", name, "--steps", str(steps), "--tool", tool]
        program += ["--device", device]
        watch = [
            "-m",
            "deeplocalize",
            "run",
            "--exit-zero",
            "--output",
            f"{folder}/report",
            "--trace",
            f"{folder}/trace",
        ]
        command = [sys.executable, *(watch if tool == "deeplocalize" else ()), *program]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return float(next(line for line in done.stdout.splitlines() if line.startswith("seconds ")).split()[1])


def measure(name: str, steps: int, pairs: int, tool: str, device: str) -> tuple[float, list[float]]:
    """(unwatched seconds a step, the ratio of each pair, ascending)."""
    plain, ratios = [], []
    for pair in range(pairs):
        order = ("none", tool) if pair % 2 else (tool, "none")
        seconds = {each: _run(name, steps, each, device) for each in order}
        plain.append(seconds["none"] / steps)
        ratios.append(seconds[tool] / seconds["none"])
    return statistics.median(plain), sorted(ratios)


def main() -> None:
    """Measure, print a table and write it to the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, help="training steps (default: 2000, 600 and 300)")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each (default: %(default)s)")
    parser.add_argument("--model", choices=CASES, action="append", help="only this one; the results file is left alone")
    parser.add_argument("--device", default="cpu", help="another one than %(default)s; the results file is left alone")
    parser.add_argument("--also", action="store_true", help="measure the other tools, too")
    parser.add_argument("--train", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--tool", default="none", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        print("seconds", train(options.train, options.steps, options.tool, options.device))
        return
    others = [tool for tool in INSIDE if tool == "detect_anomaly" or importlib.util.find_spec("transformers")]
    tools = ["deeplocalize", *(others if options.also else ())]
    rows = ["| program | tool | steps | unwatched ms | median ratio | smallest | largest |", "|---|---|" + "---:|" * 5]
    print("\n".join(rows), flush=True)
    for name in options.model or CASES:
        for tool in tools:
            steps = options.steps or CASES[name][1]
            seconds, ratios = measure(name, steps, options.pairs, tool, options.device)
            middle, low, high = statistics.median(ratios), ratios[0], ratios[-1]
            shown = f"{1e3 * seconds:.2f} | {middle:.3f} | {low:.3f} | {high:.3f}"
            rows.append(f"| {name} | {tool} | {steps} | {shown} |")
            print(rows[-1], flush=True)
    if not options.model and options.device == "cpu":
        write_section("cost", rows)


if __name__ == "__main__":
    main()
