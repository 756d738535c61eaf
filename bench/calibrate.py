"""How far each rule can be trusted: `python -m bench calibrate [--seeds N] [--jobs N]`.

Every program of the corpus is run on every backend with several seeds; runs that are kept from before (`bench/results/faults`)
are judged again instead. A rule *fires* on a program if one of its causes is reported in any of its runs, and is right there
in the share of those runs in which the program has that fault. So a program counts once, however often it was run. The kept
traces of the 40-program benchmark are counted too, where it is known whether the program has a fault, and where.

The confidence of a rule is the share of programs in which it was right, drawn towards the share of all other rules as if
they had told of PRIOR programs more: a rule that fired on the pair of programs it was written for, and nowhere else, has
hardly been tried. The table is stored in the package (`diagnosis/confidence.json`), and reports show it.

The reliability table in RESULTS.md is held out by folder: for each program the confidence is computed without any program
of the same folder, and compared with how often the rule was right there.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from bench.corpus import BACKENDS, diagnosis_of, programs
from bench.deeplocalize40.assess import RESULT as ASSESSMENT
from bench.deeplocalize40.facts import cases
from bench.deeplocalize40.programs import script
from bench.deeplocalize40.scoring import NOT_THE_CURE, REAL, is_at, is_false_alarm, truth
from bench.faults import KEPT, Outcome, judge_again, missing, run_all, write_section

STORED = Path(__file__).parents[1] / "src" / "deeplocalize" / "diagnosis" / "confidence.json"

PRIOR = 5.0
"""So many programs the other rules together count for."""

EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0)


class Firing(NamedTuple):
    """A rule that fired on a program of a folder, and in what share of the runs in which it did it was right."""

    rule: str
    folder: str
    program: str
    right: float


def firings(outcomes: Iterable[Outcome]) -> list[Firing]:
    """Every rule that fired, once for each program."""
    answers: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for each in outcomes:
        folder = str(each.program).split("/")[0]
        truth = each.program.fault.rule if each.program.fault else None
        for rule in {cause["rule"] for cause in each.causes}:
            answers[rule, folder, str(each.program)].append(rule == truth)
    return [Firing(*key, fmean(right)) for key, right in sorted(answers.items())]


def benchmark_firings() -> Iterator[Firing]:
    """The same for the kept traces of the 40-program benchmark. There a rule is right if the fix goes where it says; the
    programs of which it is not known whether anything is wrong with them say nothing."""
    assessments = json.loads(ASSESSMENT.read_text())
    for path in sorted((KEPT.parent / "traces").glob("*/*.trace")):
        case, version = path.parent.name, path.name.split("-")[0]
        assessment = assessments[case]
        faulty = version == "buggy" and assessment["class"] in (REAL, NOT_THE_CURE)
        if not faulty and not is_false_alarm(version, True, assessment):
            continue
        true = truth(cases()[case], assessment, script(cases()[case], "buggy", 0)) if faulty else []
        right: dict[str, bool] = {}
        for cause in diagnosis_of(path)["causes"]:
            right[cause["rule"]] = right.get(cause["rule"], False) or any(is_at(cause["locus"], each) for each in true)
        yield from (Firing(rule, case, f"{case}/{version}", float(each)) for rule, each in right.items())


def confidence(rule: str, known: Iterable[Firing]) -> float:
    """The confidence of a rule by what is known, in (0, 1)."""
    known = list(known)
    own = [each.right for each in known if each.rule == rule]
    others = [each.right for each in known if each.rule != rule]
    pool = (sum(others) + 1) / (len(others) + 2)
    return (sum(own) + PRIOR * pool) / (len(own) + PRIOR)


def table(known: list[Firing]) -> dict[str, dict[str, float]]:
    """For each rule that fired: on how many programs, in how many of them it was right, and its confidence."""
    found = {}
    for rule in sorted({each.rule for each in known}):
        own = [each.right for each in known if each.rule == rule]
        found[rule] = {
            "fired": len(own),
            "right": round(sum(own), 2),
            "confidence": round(confidence(rule, known), 3),
        }
    return found


def held_out(known: list[Firing]) -> list[tuple[float, float]]:
    """For each firing the confidence by all programs of other folders, and how often it was right."""
    return [(confidence(each.rule, [o for o in known if o.folder != each.folder]), each.right) for each in known]


def reliability(pairs: Iterable[tuple[float, float]]) -> list[str]:
    """The reliability diagram as a Markdown table."""
    pairs = list(pairs)
    rows = ["| confidence, held out | firings | mean confidence | right |", "|---|---:|---:|---|"]
    for low, high in itertools.pairwise(EDGES):
        inside = [pair for pair in pairs if low <= pair[0] < high or (pair[0] == high == EDGES[-1])]
        if inside:
            said, right = fmean(each for each, _ in inside), fmean(each for _, each in inside)
            bar = "█" * round(20 * right)
            rows.append(f"| {low:.2f} to {high:.2f} | {len(inside)} | {said:.3f} | {right:.3f} {bar} |")
    return rows


def _lines(found: Mapping[str, Mapping[str, float]], known: list[Firing], runs: int) -> list[str]:
    rows = ["| rule | fired on programs | right | confidence |", "|---|---:|---:|---:|"]
    rows += [f"| {rule} | {n['fired']} | {n['right']:g} | {n['confidence']:.3f} |" for rule, n in found.items()]
    return [f"{runs} runs.", "", *rows, "", "Reliability:", "", *reliability(held_out(known))]


def main(arguments: list[str] | None = None) -> None:
    """Run what is not kept, judge everything, and store the table."""
    parser = argparse.ArgumentParser("python -m bench calibrate", description=__doc__)
    parser.add_argument("--backend", default=",".join(BACKENDS), help="some of %(default)s")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each program, each with another seed")
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time")
    options = parser.parse_args(arguments)
    chosen, backends = programs(), options.backend.split(",")
    for each in run_all(chosen, backends, options.seeds, options.jobs, only=missing):
        print(f"{each.backend:16} {each.program}", flush=True)
    outcomes = list(judge_again(chosen, backends, options.seeds))
    known = [*firings(outcomes), *benchmark_firings()]
    found = table(known)
    lines = _lines(found, known, len(outcomes))
    print("\n".join(lines))
    STORED.write_text(json.dumps(found, indent=1) + "\n")
    write_section("confidence", lines)
