"""How early a fault is seen: `python -m bench early [--seeds N]`, over the kept runs of the corpus, without running anything.

Each trace is cut off after 10 steps, 20, 30, and so on in steps of a tenth, as if the training were still going on, and
judged. A fault is *seen* from the first of these steps on at which the first cause is the right one and stays so to the end of
the recorded run. What was gathered of the data over the whole run (its statistics, the last sampled rows) cannot be cut off, so
a rule that judges by these alone is seen in the first look.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.corpus import BACKENDS, Program, programs
from bench.faults import kept, write_section
from deeplocalize import read_traces
from deeplocalize.diagnosis import MIN_STEPS, diagnose
from deeplocalize.reports.report import longest, steps_seen, trainings
from deeplocalize.trace.schema import Trace


class Seen(NamedTuple):
    """When the fault of a program was seen for good: the step, None if never, and how many steps the run had."""

    program: Program
    backend: str
    step: int | None
    steps: int


def until(trace: Trace, step: int) -> Trace:
    """The trace as it was after so many optimizer steps, with the run still going on."""
    early, sampled = trace.steps < step, trace.sampled < step
    return dataclasses.replace(
        trace,
        run=dataclasses.replace(trace.run, ended="running", crash=None),
        steps=trace.steps[early],
        scalars={name: values[early] for name, values in trace.scalars.items()},
        order=trace.order[early],
        sampled=trace.sampled[sampled],
        columns={series: values[sampled] for series, values in trace.columns.items()},
        complete=False,
    )


def looks(steps: int) -> list[int]:
    """The steps at which a run of this length is judged."""
    found, step = [], MIN_STEPS
    while step < steps:
        found.append(step)
        step += max(10, step // 10)
    return found


def seen(trace: Trace, rule: str) -> int | None:
    """The first look from which on the first cause is that of `rule`; None if that is not so even at the end."""
    steps = steps_seen(trace)
    first: int | None = None
    for step in looks(steps):
        causes = diagnose(until(trace, step)).causes
        right = bool(causes) and causes[0].rule.name == rule
        first = (first if first is not None else step) if right else None
    causes = diagnose(trace).causes
    return (first if first is not None else steps) if causes and causes[0].rule.name == rule else None


def all_seen(seeds: int) -> Iterator[Seen]:
    """Every faulty program whose run is kept, on every backend."""
    for program in programs():
        for backend in program.backends if program.fault else ():
            for seed in range(seeds):
                if (path := kept(program, backend, seed)).exists():
                    yield _of(program, backend, path)


def _of(program: Program, backend: str, path: Path) -> Seen:
    assert program.fault is not None
    traces = trainings(read_traces(path))
    best = longest(tuple(diagnose(trace) for trace in traces))
    trace = best.trace if best is not None else None
    if trace is None or not len(trace.steps):  # it ended before its first step
        return Seen(program, backend, 0, 0)
    return Seen(program, backend, seen(trace, program.fault.rule), steps_seen(trace))


def lines(found: list[Seen]) -> list[str]:
    """A row for each rule: the median step at which it is seen, the latest, and as shares of the run."""
    by_rule: dict[str, list[Seen]] = defaultdict(list)
    for each in found:
        assert each.program.fault is not None
        by_rule[each.program.fault.rule].append(each)
    rows = ["| fault | runs | median step | latest | median share of the run | not seen |", "|---|" + "---:|" * 5]
    for rule, own in [*sorted(by_rule.items()), ("all", found)]:
        known = [(each.step, each.steps) for each in own if each.step is not None]
        shown = (
            f"{median(step for step, _ in known):.0f} | {max(step for step, _ in known)} | "
            f"{100 * median(step / max(steps, 1) for step, steps in known):.0f} %"
            if known
            else "- | - | -"
        )
        rows.append(f"| {rule} | {len(own)} | {shown} | {len(own) - len(known)} |")
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Judge the kept runs step by step, print the table and write it to the results file."""
    parser = argparse.ArgumentParser("python -m bench early", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="kept runs of each program (default: %(default)s)")
    options = parser.parse_args(arguments)
    found = list(all_seen(options.seeds))
    if not found:
        parser.error(f"no kept run of {', '.join(BACKENDS)}: run 'python -m bench faults' first")
    table = lines(found)
    print("\n".join(table))
    write_section("early", table)
