"""The corpus on a GPU: ``python -m bench accelerator [--device cuda] [--seconds N] [--jobs N]``.

Copies of the PyTorch programs are changed, on the same line numbers, to make their tensors on the device. Each is run under
the tool in a process of its own, in an order drawn once, until the time is over. A program that takes no such change (it
hands data to numpy, or to a worker process) is counted by itself; the rest is judged as the corpus always is.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.corpus import ROOT, Program, mistakes, programs
from bench.faults import write_section

IMPORT = re.compile(r"^import torch$", re.MULTILINE)
MINUTE = 60.0


def moved(source: str, device: str) -> str:
    """The text of a program that makes its tensors on the device."""
    changes = {
        "torch.from_numpy(": "torch.as_tensor(",
        "shuffle=True": f'shuffle=True, generator=torch.Generator("{device}")',
        "torch.Generator()": f'torch.Generator("{device}")',
        ".numpy()": ".cpu().numpy()",
    }
    source = IMPORT.sub(f'import torch; torch.set_default_device("{device}")', source, count=1)
    for old, new in changes.items():
        source = source.replace(old, new)
    return source


def outcome(program: Program, folder: Path) -> tuple[str, str]:
    """("right", "wrong" or "not to be moved", what is wrong) of a program run under the tool."""
    report = folder / "report.json"
    options = ["--exit-zero", "--format", "json", "--output", str(report), "--trace", str(folder / "trace")]
    command = [sys.executable, "-m", "deeplocalize", "run", *options, str(program.path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, cwd=program.path.parent, env=environment, capture_output=True, text=True, timeout=2 * MINUTE
        )
    except subprocess.TimeoutExpired:
        return "wrong", "not done in two minutes"
    said = done.stderr.strip().splitlines() or [""]
    found = json.loads(report.read_text()) if report.exists() else None
    if found is None:
        return "wrong", f"no report: {said[-1]}"
    wrong = mistakes(program, found)
    own = next((line for line in said if re.search(r"Error: .*(cuda|device|CUDA|CPU)", line)), None)
    if wrong and own:
        return "not to be moved", own
    return ("wrong", "; ".join(wrong)) if wrong else ("right", "")


def main() -> None:
    """Run as much of the corpus as fits in the time, print what is wrong and write the counts to the results file."""
    parser = argparse.ArgumentParser("python -m bench accelerator", description=__doc__)
    parser.add_argument(
        "--device", default="cuda", help="default: %(default)s; with cpu the results file is left alone"
    )
    parser.add_argument("--seconds", type=float, default=5 * MINUTE, help="default: %(default)g")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="programs at a time (default: %(default)s)")
    options = parser.parse_args()
    end, counts = time.monotonic() + options.seconds, Counter[str]()
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(options.jobs) as pool:
        root = Path(temporary, "faults")
        shutil.copytree(ROOT, root)
        for path in root.rglob("*.py"):
            path.write_text(moved(path.read_text(), options.device))
        chosen = [program for program in programs(root) if "torch" in program.backends]
        random.Random(0).shuffle(chosen)

        def one(at: int) -> tuple[str, str, str] | None:
            if time.monotonic() > end:
                return None
            folder = Path(temporary, str(at))
            folder.mkdir()
            kind = "healthy" if chosen[at].fault is None else "faulty"
            return (kind, *outcome(chosen[at], folder))

        for program, result in zip(chosen, pool.map(one, range(len(chosen))), strict=True):
            if result is not None:
                kind, how, what = result
                counts[f"{kind}, {how}"] += 1
                if how != "right":
                    print(f"{how}: {program.path.relative_to(root)}: {what}", flush=True)
    lines = [
        "| programs | number |",
        "|---|---:|",
        *(f"| {name} | {count} |" for name, count in sorted(counts.items())),
    ]
    print("\n".join(lines))
    if options.device != "cpu":
        write_section("accelerator", lines)


if __name__ == "__main__":
    main()
