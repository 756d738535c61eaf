"""The corpus in `faults/` as data: its programs, what is true of each, and in what a report is wrong about one."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1] / "faults"
KERAS = ("keras-tensorflow", "keras-jax", "keras-torch")
BACKENDS = ("torch", *KERAS)

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)\b", re.IGNORECASE)
_SEED = re.compile(r"(?<=manual_seed\(|random_seed\()\d+(?=\))")


@dataclass(frozen=True)
class Fault:
    """What a table of a fault.toml says of a pair of programs. Where several answers are right, all are listed."""

    rule: str
    kinds: tuple[str, ...]
    layers: tuple[int | None, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """A program of the corpus.

    Attributes:
        path: the script.
        fault: the fault it has; None if it is healthy.
        backends: what it runs on, some of BACKENDS.
        metric: what the last number it prints is.
        result: that number; NaN where the training ends so, None where the program raises.
        other: the result of the program it is paired with; None if it has none, or that one raises.
    """

    path: Path
    fault: Fault | None
    backends: tuple[str, ...]
    metric: str
    result: float | None
    other: float | None = None

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT).with_suffix(""))


def folders(root: Path = ROOT) -> list[Path]:
    """The folder of every fault."""
    return sorted(path.parent for path in root.glob("*/fault.toml"))


def programs(root: Path = ROOT) -> list[Program]:
    """Every program of the corpus: the pairs of all faults, then the healthy ones."""
    pairs = [each for folder in folders(root) for each in _pairs(folder)]
    return pairs + list(_healthy(root / "healthy"))


def _pairs(folder: Path) -> Iterator[Program]:
    facts = tomllib.loads((folder / "fault.toml").read_text())
    for name, table in facts.items():
        if isinstance(table, dict):
            fault = Fault(facts["rule"], _each(table["kind"]), _layers(table), _each(table["line"]))
            backends = tuple(table.get("backends", _backends(name)))
            buggy, fixed = _result(table["buggy"]), _result(table["fixed"])
            yield Program(folder / name / "buggy.py", fault, backends, table["metric"], buggy, fixed)
            yield Program(folder / name / "fixed.py", None, backends, table["metric"], fixed, buggy)


def _healthy(folder: Path) -> Iterator[Program]:
    for name, table in tomllib.loads((folder / "healthy.toml").read_text()).items():
        for framework in ("torch", "keras"):
            if framework in table:
                path = folder / framework / f"{name}.py"
                yield Program(path, None, _backends(framework), table["metric"], float(table[framework]))


def _each(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _layers(table: dict[str, Any]) -> tuple[int | None, ...]:
    return tuple(None if each == "none" else each for each in _each(table.get("layer", "none")))


def _backends(name: str) -> tuple[str, ...]:
    """The backends of a folder such as `torch`, `keras` or `keras-broadcast`."""
    return KERAS if name.split("-")[0] == "keras" else ("torch",)


def _result(value: float | str) -> float | None:
    return None if value == "raises" else float(value)


def printed_result(output: str) -> float | None:
    """The last number a program printed, which by convention is its result."""
    numbers = _NUMBER.findall(output)
    return float(numbers[-1]) if numbers else None


def is_as_measured(program: Program, result: float | None) -> bool:
    """True if a run came out as the corpus says: its result is nearer to the program's own than to its partner's.

    A fault may end in an exception or NaN on one backend where it merely does harm on another.
    """
    failed = result is None or result != result
    if program.result is None or program.result != program.result:
        return failed
    if failed:
        return program.fault is not None
    if program.other is None or program.other != program.other:
        return True
    return abs(result - program.result) < abs(result - program.other)


def reseeded(program: Program, seed: int, folder: Path) -> Path:
    """A copy of the program that differs in the seed it gives to its framework, on the same line numbers."""
    copy = folder / str(program) / f"seed{seed}.py"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(_SEED.sub(lambda found: str(int(found.group()) + 1000 * seed), program.path.read_text()))
    return copy


def mistakes(program: Program, report: dict[str, Any]) -> list[str]:
    """In what a JSON report is wrong about a program; empty if it is right."""
    causes = report["causes"]
    if program.fault is None:
        wrong = [f"accused of {cause['rule']}: {cause['message']}" for cause in causes]
        return wrong or ([] if report["verdict"] == "healthy" else [f"{report['verdict']}: {report['reason']}"])
    if not causes:
        return [f"missed: {report['verdict']}, {report['reason']}"]
    return _wrong_rule(program.fault, causes) or _wrong_place(program, program.fault, causes[0]["locus"])


def _wrong_rule(fault: Fault, causes: list[dict[str, Any]]) -> list[str]:
    names = [cause["rule"] for cause in causes]
    return [] if names[0] == fault.rule else [f"first of {', '.join(names)}: {causes[0]['message']}"]


def _wrong_place(program: Program, fault: Fault, locus: dict[str, Any]) -> list[str]:
    wrong = []
    layer = locus["layer"]["index"] if locus["layer"] else None
    if locus["kind"] not in fault.kinds:
        wrong.append(f"kind {locus['kind']} instead of {' or '.join(fault.kinds)}")
    if layer not in fault.layers:
        wrong.append(f"layer {layer} instead of {' or '.join(map(str, fault.layers))}")
    if not right_line(program, locus):
        line = locus["source"]["line"] if locus["source"] else None
        wrong.append(f"line {line} ({_text(program, line).strip() or 'none'}) instead of {' or '.join(fault.lines)}")
    return wrong


def right_line(program: Program, locus: dict[str, Any]) -> bool:
    """True if the locus names a line of the program that its fault.toml names."""
    assert program.fault is not None
    text = _text(program, locus["source"]["line"] if locus["source"] else None)
    return any(line in text for line in program.fault.lines)


def _text(program: Program, line: int | None) -> str:
    """A line of the program; nothing if it has no such line."""
    return dict(enumerate(program.path.read_text().splitlines(), 1)).get(line or 0, "")


def diagnosis_of(trace: Path) -> dict[str, Any]:
    """The JSON report on a trace."""
    from deeplocalize import Report, read_traces
    from deeplocalize.reports.json import render

    report: dict[str, Any] = json.loads(render(Report.of(read_traces(trace), trace)))
    return report
