"""Quantities are learned with a loss for classes.

What it means
The targets are measured values (prices, angles, counts), and the loss is a cross-entropy, which compares probabilities
of classes, or of yes and no.

Why it hurts
A cross-entropy takes its targets for probabilities or class numbers. A target of 7.3 as a probability makes the loss
negative and without a lower bound: it "improves" for ever while the predictions run into the end of their range. Read as
a class number it is cut down to 7, and 8 is as wrong as 70.

How it is recognized
By the targets really trained on. Under a loss that reads class numbers: they are not whole. Under a loss that reads rows
or compares each number by itself: they lie outside 0 to 1 by more than `slack` = 0.05; interpolated images overshoot that
much, and their loss still has its minimum at the target. One unit under a binary cross-entropy with whole-numbered targets
learns a quantity if they take more than `most_classes` = 100 different values, or leave more than half of the numbers
up to the highest unused: class numbers have no such gaps, and a hundred classes are not answered with one unit.

How to fix it
Use the mean squared error (or the mean absolute error, if outliers should count less), and no nonlinearity at the output.
If the targets are intensities with a known highest value, divide them by it instead.

When it is wrong
Targets between 0 and 1 under a binary cross-entropy are shares or gray values, and fit. Class numbers that were scaled by
mistake are label-encoding-mismatch. Word counts under a cross-entropy over classes are a known use and left alone.

References
PyTorch, MSELoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
Keras, regression losses. https://keras.io/api/losses/regression_losses/
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.fit import is_regression
from deeplocalize.signals.task import Task, labels, tasks
from deeplocalize.trace.cards import TargetCard
from deeplocalize.trace.schema import Trace


@rule(
    code="L206",
    severity=Severity.HIGH,
    needs=("objective", "targets"),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, slack: float = 0.05, most_classes: int = 100) -> Iterator[Finding]:
    """Find cross-entropies whose targets are quantities."""
    for task in tasks(trace):
        if task.target is not None and is_regression(task, slack, most_classes):
            yield _finding(trace, task, task.target, slack)


def _finding(trace: Trace, task: Task, card: TargetCard, slack: float) -> Finding:
    low, high = card.minimum or 0.0, card.maximum or 0.0
    after = "mean squared error"
    change = Intervention("set-loss", f"objective {task.index}", "mean_squared_error")
    return Finding(
        message=f"{task.loss.name} is a loss for classes, but the targets are quantities from {low:.3g} to {high:.3g}.",
        locus=Locus("loss", source=places.loss_line(trace, task.loss)),
        evidence=(_evidence(task, low, high, slack),),
        remedies=(Remedy(f"Use the {after}, and no nonlinearity at the output.", task.loss.name, after, change),),
    )


def _evidence(task: Task, low: float, high: float, slack: float) -> Evidence:
    if (known := labels(task)) is not None:
        return Evidence("different whole-numbered targets, for one unit", known.distinct, ">", 2)
    if high > 1 + slack:
        return Evidence("highest target, where a probability is 1 at most", high, ">", 1 + slack)
    if low < -slack:
        return Evidence("lowest target, where a probability is 0 at least", low, "<", -slack)
    return Evidence("spread of the targets, which are no whole numbers", high - low, ">", 0)
