"""Labels lie outside the range that the loss takes.

What it means
A loss over C classes takes the class numbers 0 to C - 1. A binary cross-entropy takes targets from 0 to 1. Some labels
are outside: counted from 1 instead of 0, written as -1 and 1, or left as gray values up to 255.

Why it hurts
Over classes the program stops with an exception, or on other backends quietly skips the examples, or reads other memory.
A binary cross-entropy with labels of -1 has no lowest value: it falls below 0 and goes on, while the predictions run
into their ends.

How it is recognized
From the labels really trained on (also if the run stopped because of them) and the number of output units. Class numbers
below 0 or beyond the last unit, or whole-numbered targets of a binary cross-entropy outside 0 to 1: at least `count` = 1,
because one is enough to stop the run. Labels that fill the range 1 to C or another shifted one are said to be shifted; if
the run stopped after so few of them that one class can be missing by chance (with a chance above 1 in 100, were all equally frequent),
more output units are named as the other cure.

How to fix it
Number the classes from 0 (subtract the lowest label); write yes and no as 1 and 0; divide gray values by 255.

When it is wrong
-100, the index that the loss was told to ignore, and -1 beside at least two classes (if the loss did not refuse it) mark
what is not labeled. So does one label alone far beyond the others, such as 255, if the loss did not refuse it, and -1
under a binary cross-entropy that is weighted. More classes than units are wrong-output-units, quantities are
cross-entropy-on-regression.

References
PyTorch, CrossEntropyLoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
Keras, probabilistic losses. https://keras.io/api/losses/probabilistic_losses/
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.fit import fits, is_void
from deeplocalize.signals.task import Labels, Task, labels, tasks
from deeplocalize.trace.schema import Trace


@rule(
    code="D104",
    severity=Severity.HIGH,
    needs=("objective", "targets"),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
        "vanishing-gradient",
    ),
)
def check(trace: Trace, *, count: int = 1) -> Iterator[Finding]:
    """Find class numbers beyond the units, and yes-or-no labels outside 0 to 1."""
    for task in tasks(trace):
        known, last = labels(task), _last(task)
        if known is None or last is None or not fits(task) or _is_marked(task, known):
            continue
        outside = _outside(task, last)
        if outside >= count:
            yield _finding(trace, task, known, last, outside, count)


def _last(task: Task) -> int | None:
    """The highest label that the loss takes; None if that is not known or without limit."""
    if task.family == "binary":
        return 1
    numbered = task.family == "classes" and task.loss.targets == "class-index"
    return task.units - 1 if numbered and task.units and task.units > 1 else None


def _is_marked(task: Task, known: Labels) -> bool:
    if task.family == "binary":
        return task.loss.weighted and known.low == -1
    return known.low >= 0 and is_void(task, known)


def _outside(task: Task, last: int) -> int:
    known = labels(task)
    if known is None or task.target is None:
        return 0
    counted = (
        times for value, times in task.target.counts if known.low <= value <= known.high and not 0 <= value <= last
    )
    return max(sum(counted), int(known.high > last))  # of very many labels, the highest are not counted


def _finding(trace: Trace, task: Task, known: Labels, last: int, outside: int, count: int) -> Finding:
    low, high = known.low, known.high
    is_shifted = low > 0 and high - low <= last
    shifted = f"; they seem to be counted from {low}" if is_shifted else ""
    return Finding(
        message=f"The labels run from {low} to {high}, but {task.loss.name} takes 0 to {last} here{shifted}.",
        locus=Locus("label-encoding", source=places.targets(trace, task.loss)),
        evidence=(
            Evidence("labels outside the range, in the examples seen", outside, ">=", count),
            Evidence("highest label", high, ">", last) if high > last else Evidence("lowest label", low, "<", 0),
        ),
        remedies=(_remedy(task, known, last, is_shifted), *_other_reading(task, known, is_shifted)),
    )


def _other_reading(task: Task, known: Labels, is_shifted: bool) -> Iterator[Remedy]:
    """Where so few labels were seen that the lowest may be missing by chance, more units may be what is needed."""
    seen = sum(times for _, times in task.target.counts) if task.target else 0
    if is_shifted and (known.high / (known.high + 1)) ** seen > 0.01:
        yield Remedy(
            f"If a class {known.low - 1} was merely not among the {seen} labels seen, give the output "
            f"{known.high + 1} units",
            str(task.units),
            str(known.high + 1),
        )


def _remedy(task: Task, known: Labels, last: int, is_shifted: bool) -> Remedy:
    if is_shifted:
        return Remedy(f"Subtract {known.low} from the labels.", "labels", f"labels - {known.low}")
    if task.family == "classes":
        return Remedy(f"Number the classes from 0 to {known.distinct - 1}.", f"{known.low}..{known.high}")
    if known.distinct == 2:
        return Remedy("Write the labels as 0 and 1.", f"{known.low}, {known.high}", "0, 1")
    return Remedy(
        f"Divide the targets by {known.high}, so that they lie between 0 and 1.", "targets", f"targets / {known.high}"
    )
