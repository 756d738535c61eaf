"""The report for a terminal: the verdict, then each cause with its place, its numbers and what to change.

Our own words are plain ASCII and no meaning is in color alone, so it reads the same in a pipe, a log file or an old
terminal.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deeplocalize.remedies import Remedy
from deeplocalize.reports.report import RankedCause, Report
from deeplocalize.reports.text import (
    clean,
    counted,
    evidence_text,
    listed,
    place_text,
    seen_text,
    settings_lines,
    symptoms_text,
    trust_text,
)
from deeplocalize.trace.schema import Source

MAX_CAUSES = 5
"""Causes told in full; nobody works through more of them at once, and the JSON report has the rest."""

MAX_EVIDENCE = 6

MOST_UNJUDGED = 3
"""So many of the trainings of which nothing can be said are told one by one."""

INDENT = 12
"""Columns before the text of a row."""

VERDICT_STYLES = {"healthy": "bold green", "faulty": "bold red", "inconclusive": "bold yellow"}


def render(report: Report, width: int = 80, color: bool = False) -> str:
    """The report as text, `width` columns wide, with ANSI colors if `color`."""
    file = io.StringIO()
    console = Console(
        file=file, width=width, color_system="standard" if color else None, force_terminal=color,
        no_color=not color, highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    for part in _parts(report, width):
        console.print(part)
    for line in _trace_lines(report):
        console.print(line, soft_wrap=True)  # so that the command can be copied whole
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _parts(report: Report, width: int) -> Iterator[RenderableType]:
    yield Text(f"{report.verdict.upper()}: {clean(report.reason)}", VERDICT_STYLES[report.verdict])
    if report.main is not None:
        yield Text(f"seen: {seen_text(report.main.trace)}", "dim")
    for rank, found in enumerate(report.causes[:MAX_CAUSES], start=1):
        yield Text()
        yield from _cause(rank, found, len(report.diagnoses), width)
    if len(report.causes) > MAX_CAUSES:
        rules = [found.cause.rule.name for found in report.causes[MAX_CAUSES:]]
        yield Text(f"\n{counted(len(rules), 'weaker cause')}: {listed(rules, 8)} (--format json has them all)")
    if report.causes:
        yield Text()
    yield from _remarks(report)


def _cause(rank: int, found: RankedCause, trainings: int, width: int) -> Iterator[RenderableType]:
    heading = Table.grid(padding=(0, 1))
    heading.add_row(f"{rank}.", clean(found.cause.finding.message), style="bold")
    yield heading
    table = Table.grid(padding=(0, 1))
    table.add_column(width=8, style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, content in _rows(found, trainings, width):
        table.add_row(label, content)
    yield Padding(table, (0, 0, 0, 3))


def _rows(found: RankedCause, trainings: int, width: int) -> Iterator[tuple[str, RenderableType]]:
    finding, rule = found.cause.finding, found.cause.rule
    yield "where", Text(place_text(finding.locus, found.layer), "cyan")
    if quote := _quote(finding.locus.source, finding.remedies, width):
        yield "", quote
    if trainings > 1:
        yield "model", _trainings_text(found, trainings)
    for index, evidence in enumerate(finding.evidence[:MAX_EVIDENCE]):
        yield "" if index else "why", evidence_text(evidence)
    if finding.first_step is not None:
        yield "since", f"step {finding.first_step:,}"
    for index, remedy in enumerate(finding.remedies):
        yield "or" if index else "change", _remedy(remedy)
    if found.cause.explains:
        yield "explains", symptoms_text(found)
    if trust := trust_text(rule.name):
        yield "trust", Text(trust, "dim")
    yield "rule", Text(f"{rule.code} {rule.name} (more: deeplocalize explain {rule.code})", "dim")


def _trainings_text(found: RankedCause, trainings: int) -> str:
    where = "every training" if len(found.trainings) == trainings else _numbers(found.trainings)
    return f"{clean(found.diagnosis.trace.run.model, 60)}, in {where}"


def _numbers(trainings: tuple[int, ...]) -> str:
    names = [str(index + 1) for index in trainings]
    return f"{'training' if len(names) == 1 else 'trainings'} {listed(names, 10)}"


def _quote(source: Source | None, remedies: tuple[Remedy, ...], width: int) -> Text | None:
    """The user's line, with a caret line under what is to be changed if that stands in it."""
    if source is None or not source.text:
        return None
    code = clean(source.text, 200, 200)
    before = next((clean(remedy.before, 200, 200) for remedy in remedies if remedy.before), "")
    start, end = _only_place(before, code) or (0, 0)
    code, start, end = _window(code, start, end, max(10, width - len(f"{source.line} | ") - INDENT))
    text = Text(f"{source.line} | {code}")
    if start < end:
        indent = " " * cell_len(code[:start])  # some characters take two columns
        text.append(f"\n{' ' * len(str(source.line))} | {indent}{'^' * cell_len(code[start:end])}", "red")
    return text


def _window(code: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """The part of a long line around code[start:end] that fits the room, and where that stands in it."""
    if len(code) <= room:
        return code, start, end
    left = max(0, min(start - room // 3, len(code) - room))
    part = code[left : left + room]
    part = ("..." + part[3:] if left else part)[: room - 3] + ("..." if left + room < len(code) else part[room - 3 :])
    return part, start - left, min(end - left, room)


def _only_place(before: str, code: str) -> tuple[int, int] | None:
    """Where a word or number stands in a line; None if it stands there twice, as one of them would be the wrong one."""
    if not before:
        return None
    whole = rf"(?<!\w)(?<!\d\.){re.escape(before)}(?!\w|\.\d*[1-9])"  # not the 10 of 100, 0.10 or 10.5
    places = [match.span() for match in re.finditer(whole, code, re.IGNORECASE)]
    return places[0] if len(places) == 1 else None


def _remedy(remedy: Remedy) -> Text:
    text = Text(clean(remedy.text))
    if remedy.before is not None:
        text.append(f"\n- {clean(remedy.before, 200, 200)}", "red")
    if remedy.after is not None:
        text.append(f"\n+ {clean(remedy.after, 200, 200)}", "green")
    return text


def _remarks(report: Report) -> Iterator[RenderableType]:
    """What the reader should know about the watching itself."""
    yield from _unjudged(report)
    if report.trace is not None and not all(each.trace.complete for each in report.diagnoses):
        yield Text("The recording breaks off: the script was killed, or is still running.", "yellow")
    if report.not_evaluated:
        yield Text(f"not judged: {counted(len(report.not_evaluated), 'rule')} (--format json says why)", "dim")
    yield from (Text(line, "dim") for line in settings_lines(report))
    for failure in report.failures[:5]:
        yield Text(f"DeepLocalize failed in part: {clean(failure.stage, 60)}: {clean(failure.message, 300)}", "yellow")
    if len(report.failures) > 5:
        yield Text(f"... and {len(report.failures) - 5} more (--format json has them all)", "yellow")


def _unjudged(report: Report) -> Iterator[Text]:
    """Of several trainings, those of which nothing can be said."""
    unjudged = [each for each in enumerate(report.diagnoses, start=1) if each[1].verdict == "inconclusive"]
    for number, diagnosis in unjudged[:MOST_UNJUDGED] if len(report.diagnoses) > 1 else ():
        yield Text(f"not judged: training {number} ({clean(diagnosis.reason)})")
    if len(unjudged) > MOST_UNJUDGED:
        yield Text(f"not judged: {len(unjudged) - MOST_UNJUDGED:,} more trainings, for the like reasons")
    if report.passed_over:
        yield Text(f"not looked at: {counted(report.passed_over, 'shorter training')}")


def _trace_lines(report: Report) -> Iterator[Text]:
    if report.trace is not None:
        path = clean(shlex.quote(str(report.trace)), 4096, 4096)
        yield Text(f"The trace is kept. Again: deeplocalize diagnose {path}", "dim")
        kept = next((each.trace.kept[0] for each in report.diagnoses if each.trace.kept), None)
        if kept is not None:
            yield Text(f"Step {kept:,} one operation at a time: deeplocalize replay {path}", "dim")
