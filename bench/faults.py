"""How well faults are found: every program of the corpus, on every backend it runs on.

`top-1` and `top-3` are the shares of faulty runs whose first cause, or one of whose first three causes, is the fault;
`place` the share whose first cause also has the right kind and layer, `line` the right line; `quiet` is the share of
healthy runs (the mended programs and the awkward ones) with the verdict healthy and no cause at all.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from statistics import mode
from typing import Any

from bench.corpus import (
    BACKENDS,
    Program,
    diagnosis_of,
    is_as_measured,
    mistakes,
    printed_result,
    programs,
    reseeded,
    right_line,
)
from bench.warm import WarmProcess

RESULTS = Path(__file__).with_name("RESULTS.md")
KEPT = Path(__file__).with_name("results") / "faults"
"""Where the trace of each run is kept, with what its program printed, so that rules can be tried on them in seconds."""


@dataclass(frozen=True)
class Outcome:
    """What came of one run of one program.

    Attributes:
        report: the JSON report; None if there is none because the program was killed or the tool broke.
        wrong: in what the report is wrong, in words.
        result: the number the program printed last.
    """

    program: Program
    backend: str
    seed: int
    report: dict[str, Any] | None
    wrong: tuple[str, ...]
    result: float | None

    @property
    def causes(self) -> list[dict[str, Any]]:
        return self.report["causes"] if self.report else []

    def names_the_fault_among(self, first: int) -> bool:
        assert self.program.fault is not None
        return any(cause["rule"] == self.program.fault.rule for cause in self.causes[:first])

    def first(self) -> tuple[Any, ...] | None:
        """The rule, kind and layer of the first cause; None if there is none."""
        if not self.causes:
            return None
        locus = self.causes[0]["locus"]
        return self.causes[0]["rule"], locus["kind"], locus["layer"]["index"] if locus["layer"] else None

    def names_the_line(self) -> bool:
        return self.names_the_fault_among(1) and right_line(self.program, self.causes[0]["locus"])


def run(program: Program, backend: str, process: WarmProcess, seed: int = 0) -> Outcome:
    """Run a program under watch and judge the report on it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = program.path if not seed else reseeded(program, seed, folder)
        ended = process.run(script, folder)
        result = printed_result(ended.output) if ended.status == 0 else None
        if ended.status >= 0:  # one that was killed says nothing of the program, and is to be run again
            _keep(folder / "trace", kept(program, backend, seed), result)
        return judge(program, backend, seed, folder / "trace", result)


def judge(program: Program, backend: str, seed: int, trace: Path, result: float | None) -> Outcome:
    """Judge the report on a recorded run."""
    try:
        report = diagnosis_of(trace)
    except Exception as error:
        return Outcome(program, backend, seed, None, (f"no report: {error}",), result)
    return Outcome(program, backend, seed, report, tuple(mistakes(program, report)), result)


def kept(program: Program, backend: str, seed: int) -> Path:
    """Where the trace of a run is kept."""
    return KEPT / str(program) / f"{backend}-{seed}.trace"


def _keep(trace: Path, path: Path, result: float | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if trace.exists():
        shutil.copyfile(trace, path)
    path.with_suffix(".json").write_text(json.dumps(result))


def judge_again(chosen: Iterable[Program], backends: Iterable[str], seeds: int = 1) -> Iterator[Outcome]:
    """Judge the kept runs of these programs by the rules as they are now."""
    chosen = list(chosen)
    for backend in backends:
        for program in chosen:
            for seed in range(seeds if backend in program.backends else 0):
                path = kept(program, backend, seed)
                if path.exists():
                    yield judge(program, backend, seed, path, json.loads(path.with_suffix(".json").read_text()))


Wanted = Callable[[Program, str, int], bool]


def missing(program: Program, backend: str, seed: int) -> bool:
    """True if no run of the program with this seed is kept."""
    return not kept(program, backend, seed).exists()


def run_all(
    chosen: Iterable[Program],
    backends: Iterable[str],
    seeds: int = 1,
    jobs: int = 1,
    only: Wanted = lambda *_: True,
) -> Iterator[Outcome]:
    """Run programs on backends, so many at a time; outcomes come in the order of the programs."""
    chosen = list(chosen)
    for backend in backends:
        todo = [
            (program, seed)
            for program in chosen
            for seed in range(seeds if backend in program.backends else 0)
            if only(program, backend, seed)
        ]
        free: SimpleQueue[WarmProcess] = SimpleQueue()
        processes = [WarmProcess(backend) for _ in range(min(jobs, len(todo)))]
        for process in processes:
            free.put(process)

        def one(job: tuple[Program, int], backend: str = backend, free: SimpleQueue[WarmProcess] = free) -> Outcome:
            process = free.get()
            try:
                return run(job[0], backend, process, job[1])
            finally:
                free.put(process)

        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(one, todo)
        for process in processes:
            process.close()


def table(outcomes: list[Outcome]) -> list[str]:
    """A row of shares for each backend, as Markdown."""
    rows = ["| backend | faulty runs | top-1 | top-3 | place | line | healthy runs | quiet |", "|---|" + "---:|" * 7]
    for backend in (*BACKENDS, "all"):
        own = [each for each in outcomes if backend in (each.backend, "all")]
        faulty = [each for each in own if each.program.fault]
        healthy = [each for each in own if not each.program.fault]
        if own:
            shares = (
                _share(each.names_the_fault_among(1) for each in faulty),
                _share(each.names_the_fault_among(3) for each in faulty),
                _share(not each.wrong or all(text.startswith("line ") for text in each.wrong) for each in faulty),
                _share(each.names_the_line() for each in faulty),
            )
            quiet = _share(not each.wrong for each in healthy)
            rows.append(f"| {backend} | {len(faulty)} | {' | '.join(shares)} | {len(healthy)} | {quiet} |")
    return rows


def _share(right: Iterable[bool]) -> str:
    answers = list(right)
    return _percent(sum(answers), len(answers)) if answers else "-"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def steadiness(outcomes: Iterable[Outcome]) -> list[str]:
    """A line on how often runs of the same program with other seeds end alike; none if each was run once."""
    runs: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for each in outcomes:
        runs[str(each.program), each.backend].append(each.first())
    alike = [sum(1 for one in firsts if one == mode(firsts)) for firsts in runs.values() if len(firsts) > 1]
    total = sum(len(firsts) for firsts in runs.values() if len(firsts) > 1)
    if not total:
        return []
    return [
        "",
        f"The first cause (rule, kind and layer; or none) is that of most seeds in {_percent(sum(alike), total)} of "
        f"{total} runs.",
    ]


def misses(outcomes: Iterable[Outcome]) -> list[str]:
    """A line for each wrong report, and for each run that came out otherwise than the corpus says."""
    lines = []
    for each in outcomes:
        where = f"{each.program} on {each.backend}" + (f", seed {each.seed}" if each.seed else "")
        lines += [f"- {where}: {text}" for text in each.wrong]
        if not is_as_measured(each.program, each.result):
            lines.append(f"- {where}: (its own {each.program.metric} is {each.result}, not {each.program.result})")
    return lines


def write_section(title: str, lines: Iterable[str], path: Path = RESULTS) -> None:
    """Put a section into the results file, in place of the one that has its title."""
    old = path.read_text() if path.exists() else "# Results\n"
    section = f"## {title}\n\n" + "\n".join(lines) + "\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    rest, found = pattern.subn(lambda _: section + "\n", old)
    path.write_text((rest if found else f"{old.rstrip()}\n\n{section}").rstrip() + "\n")


def main(arguments: list[str] | None = None) -> None:
    """Run the corpus, print the table and write it to the results file."""
    parser = argparse.ArgumentParser("python -m bench faults", description=__doc__)
    parser.add_argument("--backend", default=",".join(BACKENDS), help="some of %(default)s")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each program, each with another seed")
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time")
    parser.add_argument(
        "--only", default="", help="only programs whose path holds this; the results file is left alone"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="run nothing: judge the kept runs by today's rules; the results file is left alone",
    )
    options = parser.parse_args(arguments)
    backends = options.backend.split(",")
    if unknown := set(backends) - set(BACKENDS):
        parser.error(f"unknown backend {', '.join(sorted(unknown))}; expected some of {', '.join(BACKENDS)}")

    chosen = [program for program in programs() if options.only in str(program)]
    again = judge_again(chosen, backends, options.seeds)
    outcomes = []
    for each in again if options.again else run_all(chosen, backends, options.seeds, options.jobs):
        outcomes.append(each)
        print(f"{'miss' if each.wrong else 'ok':4} {each.backend:16} {each.program}", flush=True)
    lines = [*table(outcomes), *steadiness(outcomes), "", *(misses(outcomes) or ["No misses."])]
    print("\n" + "\n".join(lines))
    if not options.only and not options.again:
        write_section("faults", lines)
