"""`python -m bench deeplocalize40`: run the tools on the programs, resume what was interrupted, write the results."""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.corpus import diagnosis_of
from bench.deeplocalize40 import table
from bench.deeplocalize40.assess import RESULT as ASSESSMENT
from bench.deeplocalize40.assess import assess_all
from bench.deeplocalize40.data import missing_files
from bench.deeplocalize40.facts import HERE, VERSIONS, cases
from bench.deeplocalize40.jobs import Job, do_here, do_on_ray
from bench.deeplocalize40.programs import write
from bench.deeplocalize40.results import RESULTS, Key, Store, key_of
from bench.deeplocalize40.tools import BACKENDS, TOOLS
from bench.faults import write_section

SECONDS, MEGABYTES = 240, 6000
TABLE = HERE / "results.json"

Wanted = dict[Key, Job]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, and write bench/RESULTS.md and results.json if nothing was left out."""
    options = _options(arguments)
    if options.write:
        for name in options.write:
            for version in VERSIONS:
                folder = Path("deeplocalize40") / name / version
                write(cases()[name], version, folder, files=options.data)
                print(folder / "train.py")
        return
    if options.assess:
        for line in assess_all(options.case, options.backend[0], max(3, options.seeds), options.data):
            print(line, flush=True)
        return
    (_judge_again if options.again else _run)(options, _assessments(options.case))


def _assessments(chosen: list[str]) -> dict[str, Any]:
    """What is known of the chosen cases."""
    found: dict[str, Any] = json.loads(ASSESSMENT.read_text()) if ASSESSMENT.exists() else {}
    if missing := [name for name in chosen if name not in found]:
        sys.exit(
            f"{ASSESSMENT} does not know {', '.join(missing[:3])}{' and others' if missing[3:] else ''}: "
            f"run 'python -m bench deeplocalize40 --assess' first"
        )
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench deeplocalize40", description=__doc__)
    parser.add_argument("--tool", default=",".join(TOOLS), help="some of %(default)s")
    parser.add_argument("--backend", default="jax", help=f"some of {','.join(BACKENDS)} (default: %(default)s)")
    parser.add_argument("--case", nargs="+", default=[], help="only these; the results files are left alone")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each program, each with another seed")
    parser.add_argument("--data", type=Path, help="folder of the original data files, as DIR/<case>/<file>")
    parser.add_argument("--cluster", choices=["ray"], help="run as tasks of a Ray cluster")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="limit of a run (default: %(default)s)")
    parser.add_argument("--megabytes", type=float, default=MEGABYTES, help="limit of a run (default: %(default)s)")
    parser.add_argument("--again", action="store_true", help="judge our kept traces by the rules as they are now")
    parser.add_argument(
        "--assess", action="store_true", help="train the programs without any tool, and judge them anew"
    )
    parser.add_argument("--write", nargs="+", metavar="CASE", help="write the scripts of a case below ./deeplocalize40")
    options = parser.parse_args(arguments)
    options.tool = _known("tool", options.tool.split(","), list(TOOLS))
    options.backend = _known("backend", options.backend.split(","), list(BACKENDS))
    options.everything = not options.case
    options.case = _known("case", options.case or list(cases()), list(cases()))
    options.write = _known("case", options.write or [], list(cases()))
    for name in ("jobs", "seeds", "seconds", "megabytes"):
        if getattr(options, name) <= 0:
            sys.exit(f"--{name} got {getattr(options, name)}, expected a number above 0")
    _check_data(options.data)
    if options.cluster == "ray" and importlib.util.find_spec("ray") is None:
        sys.exit("--cluster ray needs Ray, which is not installed: pip install 'deeplocalize[bench]'")
    return options


def _known(what: str, got: list[str], known: list[str]) -> list[str]:
    if unknown := [name for name in got if name not in known]:
        shown = (
            ", ".join(known) if len(known) < 8 else f"one of the {len(known)} in {HERE / 'facts.json'}, as {known[0]}"
        )
        sys.exit(f"unknown {what} {', '.join(map(repr, unknown))}, expected {shown}")
    return got


def _check_data(folder: Path | None) -> None:
    if folder is None:
        return
    if not folder.is_dir():
        sys.exit(f"--data {folder}: there is no such folder; leave it out for stand-ins of the data")
    if missing := missing_files(folder):
        others = f" and {len(missing) - 1} more" if missing[1:] else ""
        sys.exit(
            f"--data {folder}: {missing[0]} is missing{others}; expected DIR/<case>/<file> for every file of facts.json"
        )


def _judge_again(options: argparse.Namespace, assessments: dict[str, Any]) -> None:
    """Judge the kept traces by the rules as they are now. Nothing is run, and nothing is kept."""
    options.tool = ["ours"]
    wanted = {key: job for key, job in _wanted(options).items() if _kept(key).exists()}
    if not wanted:
        sys.exit(
            f"--again: there are no traces of these programs in {RESULTS.parent / 'traces'}; run --tool ours first"
        )
    found = []
    for key in wanted:
        record = {"how": "ok", "seconds": 0.0, "answer": diagnosis_of(_kept(key))}
        found.append((key.case, key.version, key.backend, key.seed, "ours", record))
    scored = table.rows(found, assessments)
    lines = table.markdown(scored, assessments, f"{len(found)} kept traces, judged again.")
    print("\n".join([*lines, *table.by_the_facts(found, assessments)]))


def _run(options: argparse.Namespace, assessments: dict[str, Any]) -> None:
    # However the command is told to end, runs under way are ended with it. In the background Ctrl-C may be ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    console = Console(stderr=True)
    store = Store(RESULTS)
    if store.notice:
        console.print(store.notice, highlight=False)
    wanted = _wanted(options)
    missing = {key: job for key, job in wanted.items() if store.get(key) is None}
    console.print(f"{len(wanted)} runs, {len(wanted) - len(missing)} of them known already", highlight=False)
    try:
        _do(missing, store, options, console)
    except KeyboardInterrupt:
        done = sum(store.get(key) is not None for key in wanted)
        sys.exit(
            f"interrupted: {done} of {len(wanted)} runs are kept in {store.path}; the same command goes on from there"
        )
    _report(wanted, store, options, assessments)


def _wanted(options: argparse.Namespace) -> Wanted:
    """Every run that the options ask for, one for each group of tools that it answers for."""
    found: Wanted = {}
    for backend in options.backend:
        for name in options.case:
            for version in VERSIONS:
                for run in dict.fromkeys(TOOLS[tool] for tool in options.tool):
                    for seed in range(options.seeds):
                        key = key_of(cases()[name], version, run, backend, seed, options.data)
                        data = str(options.data.absolute()) if options.data else None
                        limits = (options.seconds, options.megabytes)
                        trace = str(_kept(key)) if run == "ours" else None
                        found[key] = Job(name, version, run, backend, seed, data, *limits, trace)
    return found


def _kept(key: Key) -> Path:
    """Where the trace of one of our runs is kept, by everything that it depends on but the rules."""
    name = f"{key.version}-{key.backend}-{key.seed}-{key.program}.trace"
    return RESULTS.parent / "traces" / key.case / name


def _do(missing: Wanted, store: Store, options: argparse.Namespace, console: Console) -> None:
    keys = {job: key for key, job in missing.items()}
    do = do_on_ray if options.cluster else do_here
    bars = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*bars, console=console) as progress:
        task = progress.add_task("", total=len(missing))
        for job, record in do(list(keys), options.jobs):
            store.add(keys[job], record)
            text = f"{job.run} {job.backend} {job.case} {job.version}: {record['how']}, {record['seconds']:.0f} s"
            progress.update(task, advance=1, description=text)
            if not console.is_terminal:
                console.print(text, highlight=False)


def _report(wanted: Wanted, store: Store, options: argparse.Namespace, assessments: dict[str, Any]) -> None:
    found = [
        (key.case, key.version, key.backend, key.seed, tool, store.get(key))
        for key in wanted
        for tool in options.tool
        if TOOLS[tool] == key.run
    ]
    scored = table.rows(found, assessments)  # type: ignore[arg-type]
    data = "the original data files where they can be had" if options.data else "stand-ins for all data"
    settings = f"{len(options.case)} programs, buggy and repaired; {options.seeds} seed(s); {data}. What counts: bench/README.md."
    lines = [*table.markdown(scored, assessments, settings), *table.by_the_facts(found, assessments)]  # type: ignore[arg-type]
    print("\n".join(lines))
    if options.everything and options.tool == list(TOOLS):
        write_section("deeplocalize40", lines)
        totals = {backend: table.totals(scored, assessments, backend) for backend in options.backend}
        whole = {"version": 1, "settings": settings, "totals": totals, "cases": table.plain(scored, assessments)}
        TABLE.write_text(json.dumps(whole, indent=1) + "\n")
