"""The tools that are compared, each as a command that judges a script and leaves an answer as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bench.deeplocalize40.facts import HERE
from bench.deeplocalize40.process import ENVIRONMENT, Limits, run

ROOT = HERE.parents[1]
TRACE = "run.trace"
BACKENDS = ("tensorflow", "jax", "torch")


class Tool(NamedTuple):
    """How a tool is run.

    Attributes:
        command: the command for (script, answer, folder).
        fine: exit statuses that are no failure.
        sources: what its answers depend on: files and folders of this package (`own/`) and of DeepLocalize's.
    """

    command: Callable[[Path, Path, Path], list[str]]
    fine: tuple[int, ...]
    sources: tuple[str, ...]


def _ours(script: Path, answer: Path, folder: Path) -> list[str]:
    report = ["--format", "json", "--output", str(answer), "--trace", str(folder / TRACE)]
    return [sys.executable, "-m", "deeplocalize", "run", *report, str(script)]


def _others(script: Path, answer: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "bench.deeplocalize40.others", str(script), str(answer)]


_OTHERS = ("own/others.py", "own/algorithm1.py", "own/keras_baselines.py")
RUNS = {
    "ours": Tool(_ours, (0, 1, 4), ("deeplocalize",)),
    "others": Tool(_others, (0,), ("deeplocalize/trace", "deeplocalize/frameworks", *_OTHERS)),
}
"""What is run. One run answers for all tools but ours."""

TOOLS = {"ours": "ours", "icse21-paper": "others", "icse21-released": "others", "keras": "others"}
"""The tools that can be asked for, and the run that answers for each."""


def judge(name: str, folder: Path, backend: str, limits: Limits) -> dict[str, Any]:
    """Run a tool on the script in a folder: how that ended, how long it took, and its answer (None if it gave none)."""
    tool, answer = RUNS[name], folder / "answer.json"
    path = os.pathsep.join(each for each in (str(ROOT), os.environ.get("PYTHONPATH")) if each)
    environment = os.environ | ENVIRONMENT | {"KERAS_BACKEND": backend, "PYTHONPATH": path}
    ended = run(tool.command(folder / "train.py", answer, folder), folder, environment, limits, tool.fine)
    found = None
    if answer.exists():
        try:
            found = json.loads(answer.read_text())
        except ValueError:
            found = None
    how = "failed" if ended.how == "ok" and found is None else ended.how
    errors = "" if how == "ok" else ended.errors
    return {"how": how, "status": ended.status, "seconds": round(ended.seconds, 1), "errors": errors, "answer": found}
