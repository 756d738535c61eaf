"""Scores of all results, their totals by class, and both as Markdown and as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from bench.deeplocalize40.facts import VERSIONS, cases
from bench.deeplocalize40.keras_baselines import NAMES
from bench.deeplocalize40.programs import script
from bench.deeplocalize40.scoring import (
    CLASSES,
    MILD,
    NO_FAULT,
    NOT_THE_CURE,
    NOTHING,
    REAL,
    Score,
    is_false_alarm,
    score_icse21,
    score_keras,
    score_ours,
    truth,
)

Record = dict[str, Any]

PUBLISHED = [
    "| tool, as published | detected | localized, by its authors' judgment | on sound programs |",
    "|---|---|---|---|",
    "| DeepLocalize, callback | 34/40 | 21/40 | 133 of 186 healthy models flagged (71.5 %, by DeepDiagnosis' authors) |",
    "| DeepLocalize, imperative tool (Stack Overflow only) | 23/29 | 19/29 | - |",
    "| DeepLocalize, re-run by DeepFD's authors | 27/35 | 4/35 (type and line) | - |",
    "| TerminateOnNaN / EarlyStopping(loss) / (accuracy) / union | 2 / 24 / 28 / 32 of 40 | 0 | - |",
    "| DeepDiagnosis | 35/41 | 29/41 | 67 of 188 healthy models flagged |",
    "| DL Contract | 39/41 | not scored | 10 of the 41 repaired programs flagged |",
    "| UMLAUT | 14/18; 34/35 in DeepFD's run | 1/17; 10/35 | 103 of 113 healthy models flagged |",
    "| AutoTrainer | 19/28; 6/35 in DeepFD's run | -; 4/35 | 0 of 233 of its own |",
    "| DeepFD | 32/35 | 15/35 (type and line) | - |",
]


class Row(NamedTuple):
    """A tool's result on one version of a case: how the run ended, the score, whether it is a false alarm, what it said."""

    case: str
    version: str
    tool: str
    backend: str
    seed: int
    how: str
    seconds: float
    score: Score
    false_alarm: bool
    said: str


def columns(tool: str) -> tuple[str, ...]:
    """The names under which a tool that can be asked for is reported."""
    return (*NAMES, "union of the three") if tool == "keras" else (tool,)


def rows(found: Iterable[tuple[str, str, str, int, str, Record]], assessments: dict[str, Any]) -> list[Row]:
    """Score (case, version, backend, seed, tool, record) by (case, version, tool, backend, seed)."""
    made = []
    for name, version, backend, seed, tool, record in found:
        case, assessment = cases()[name], assessments[name]
        true = truth(case, assessment, script(case, "buggy", seed)) if version == "buggy" else []
        for column in columns(tool):
            score, said = _SCORERS[tool](record["answer"], column, true, case)
            alarm = is_false_alarm(version, score.detected, assessment)
            values = (name, version, column, backend, seed, record["how"], record["seconds"], score, alarm, said)
            made.append(Row(*values))
    return made


Scorer = Callable[[Record | None, str, list[Any], dict[str, Any]], tuple[Score, str]]


def _ours(answer: Record | None, _: str, true: list[Any], case: dict[str, Any]) -> tuple[Score, str]:
    if answer is None:
        return NOTHING, "no report"
    return score_ours(answer, true), "; ".join(map(_cause, answer["causes"][:3])) or answer["verdict"]


def _cause(cause: Record) -> str:
    """A cause in a few words: the rule, and the locus."""
    place = cause["locus"]
    layer = f" {place['layer']['index']}" if place["layer"] else ""
    line = f" line {place['source']['line']}" if place["source"] else ""
    return f"{cause['rule']} ({place['kind']}{layer}{line})"


def _icse21(answer: Record | None, column: str, true: list[Any], case: dict[str, Any]) -> tuple[Score, str]:
    if answer is None:
        return NOTHING, "no answer"
    message = answer["messages"][column]
    layer = "" if message["layer"] is None else f" layer {message['layer']}"
    return score_icse21(message, true, case), f"{message['message']}{layer} step {message['step']}"


def _keras(answer: Record | None, column: str, true: list[Any], case: dict[str, Any]) -> tuple[Score, str]:
    step = answer["steps"][column if column in NAMES else "union"] if answer else None
    return score_keras(step), "stops" if step is not None else "goes on"


_SCORERS: dict[str, Scorer] = {
    "ours": _ours,
    "icse21-paper": _icse21,
    "icse21-released": _icse21,
    "keras": _keras,
}


def totals(scored: list[Row], assessments: dict[str, Any], backend: str) -> dict[str, dict[str, Any]]:
    """For each tool, [how many, of how many] by class and measure."""
    own = [row for row in scored if row.backend == backend]
    found = {}
    for tool in dict.fromkeys(row.tool for row in own):
        mine = [row for row in own if row.tool == tool]
        by_class = {name: _of_class(mine, assessments, (name,)) for name in CLASSES if name != NO_FAULT}
        sound = [
            row
            for row in mine
            if assessments[row.case]["class"] == NO_FAULT
            or (row.version == "fixed" and assessments[row.case]["fixed_trains_well"])
        ]
        found[tool] = {
            "real faults": _of_class(mine, assessments, (REAL, NOT_THE_CURE)),
            **by_class,
            "false alarms": [sum(row.false_alarm for row in sound), len(sound)],
            "alarms on any repaired program": _share(
                [r for r in mine if r.version == "fixed"], lambda r: r.score.detected
            ),
            "not finished": sum(row.how != "ok" for row in mine),
            "seconds": round(sum(row.seconds for row in mine), 1),
        }
    return found


def _of_class(mine: list[Row], assessments: dict[str, Any], names: tuple[str, ...]) -> dict[str, list[int]]:
    buggy = [row for row in mine if row.version == "buggy" and assessments[row.case]["class"] in names]
    measures = ("detected", "top1", "top3", "line")
    return {measure: _share(buggy, lambda row, measure=measure: getattr(row.score, measure)) for measure in measures}


def _share(own: list[Row], holds: Callable[[Row], bool]) -> list[int]:
    return [sum(bool(holds(row)) for row in own), len(own)]


def markdown(scored: list[Row], assessments: dict[str, Any], settings: str) -> list[str]:
    """The section of RESULTS.md."""
    lines = [settings, ""]
    for backend in dict.fromkeys(row.backend for row in scored):
        lines += [f"### {backend}: totals", "", *_totals(totals(scored, assessments, backend)), ""]
    lines += ["### Published", "", *PUBLISHED, ""]
    lines += [
        "By who is right here (`bench/README.md`), not by the authors' own judgment, the figures above differ.",
        "",
    ]
    for backend in dict.fromkeys(row.backend for row in scored):
        lines += [f"### {backend}: case by case", "", *_by_case(scored, assessments, backend), ""]
    return lines


def by_the_facts(found: Iterable[tuple[str, str, str, int, str, Record]], assessments: dict[str, Any]) -> list[str]:
    """The totals once more, with the classes of the facts; cures count only where by the facts the declared fix is none."""
    theirs = {
        name: each
        | {"class": each["class_by_facts"]}
        | ({} if each["class_by_facts"] == NOT_THE_CURE else {"cures": []})
        for name, each in assessments.items()
    }
    scored = rows(found, theirs)
    lines = ["With the classes of the facts alone, and no other cures than theirs:", ""]
    for backend in dict.fromkeys(row.backend for row in scored):
        lines += [f"### {backend}: totals by the facts alone", "", *_totals(totals(scored, theirs, backend)), ""]
    return lines


def _totals(found: dict[str, dict[str, Any]]) -> list[str]:
    heads = ["tool", "real faults: detected", "top-1", "top-3", "line"]
    heads += ["declared fix cures: detected, top-1, top-3, line", "another cure: the same", "mild: the same"]
    heads += ["false alarms", "alarms on any repaired program", "seconds"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for tool, own in found.items():
        real = [_of(each) for each in own["real faults"].values()]
        apart = [", ".join(_of(each) for each in own[name].values()) for name in (REAL, NOT_THE_CURE, MILD)]
        last = [_of(own["false alarms"]), _of(own["alarms on any repaired program"]), f"{own['seconds']:.0f}"]
        lines.append("| " + " | ".join([tool, *real, *apart, *last]) + " |")
    return lines


def _of(share: list[int]) -> str:
    return f"{share[0]}/{share[1]}"


def _by_case(scored: list[Row], assessments: dict[str, Any], backend: str) -> list[str]:
    tools = [tool for tool in ("ours", "icse21-paper", "icse21-released", "union of the three") if _any(scored, tool)]
    heads = ["case", "class", *tools, *(f"{tool}, repaired" for tool in tools)]
    lines = ["D detected, 1 localized first, 3 among the first three, L right line, ! false alarm.", ""]
    lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    at = {(row.case, row.version, row.tool): row for row in reversed(scored) if row.backend == backend}
    for name in dict.fromkeys(row.case for row in scored):
        cells = [_cell(at.get((name, version, tool))) for version in VERSIONS for tool in tools]
        lines.append("| " + " | ".join([name, assessments[name]["class"], *cells]) + " |")
    return lines


def _any(scored: list[Row], tool: str) -> bool:
    return any(row.tool == tool for row in scored)


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    score = row.score
    marks = [("D", score.detected), ("1", score.top1), ("3", score.top3), ("L", score.line), ("!", row.false_alarm)]
    text = "".join(mark for mark, holds in marks if holds) or "-"
    ended = "" if row.how == "ok" else f" ({row.how})"
    return f"{text}{ended} {row.said}"


def plain(scored: list[Row], assessments: dict[str, Any]) -> dict[str, Any]:
    """The same as JSON values, by case."""
    found: dict[str, Any] = {}
    for row in scored:
        entry = found.setdefault(row.case, {"class": assessments[row.case]["class"], "runs": []})
        entry["runs"].append(
            {
                "tool": row.tool,
                "version": row.version,
                "backend": row.backend,
                "seed": row.seed,
                "ended": row.how,
                "seconds": row.seconds,
                "detected": row.score.detected,
                "localized_top1": row.score.top1,
                "localized_top3": row.score.top3,
                "right_line": row.score.line,
                "steps_until_detection": row.score.step,
                "false_alarm": row.false_alarm,
                "said": row.said,
            }
        )
    return found
