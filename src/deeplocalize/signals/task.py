"""What the network is asked: the targets and the loss that reads them, with what was seen of the answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from deeplocalize.trace.cards import TargetCard
from deeplocalize.trace.schema import FloatArray, Head, Loss, Trace

_FAMILIES = {
    "cross-entropy": "classes",
    "negative-log-likelihood": "classes",
    "binary-cross-entropy": "binary",
    "mean-squared-error": "values",
    "mean-absolute-error": "values",
    "huber": "values",
}

IGNORED = -100
"""The class index that PyTorch's losses leave out by default; data sets are labeled with it on purpose."""

SLACK = 0.05
"""Shares may miss the range from 0 to 1, and their sum may miss 1, by this much: interpolated images overshoot so."""

_CAPPED = 1000
"""A card counts at most so many distinct labels."""


class Labels(NamedTuple):
    """Class labels given as whole numbers, those left aside that the loss ignores."""

    low: int
    high: int
    distinct: int
    second: int  # the highest but one

    @property
    def classes(self) -> int:
        """How many classes they stand for, if numbered without gaps from 0, or from the lowest of them."""
        return self.high + 1 if self.low <= 0 else self.high - self.low + 1


@dataclass(frozen=True)
class Task:
    """One objective of a run, with its targets and what the loss was given.

    Attributes:
        rows: a sample of its targets [rows, ...], None if there is none.
        answers: the predictions for them [rows, ...].
        low: the smallest prediction over all recorded steps, NaN if not recorded; `high` the largest.
        row_sum_error: the largest distance of a prediction row's sum from 1, NaN if not recorded.
        seen: in how many steps predictions were recorded.
        crashed: the run ended with an exception raised by the loss.
    """

    index: int
    loss: Loss
    head: Head
    target: TargetCard | None = None
    rows: FloatArray | None = None
    answers: FloatArray | None = None
    low: float = math.nan
    high: float = math.nan
    row_sum_error: float = math.nan
    seen: int = 0
    crashed: bool = False

    @property
    def family(self) -> str | None:
        """What the loss compares: classes, binary (yes or no for each unit) or values; None if that is not known."""
        return _FAMILIES.get(self.loss.kind)

    @property
    def encoding(self) -> str:
        """The encoding of the targets; unknown if there are none."""
        return self.target.encoding if self.target is not None else "unknown"

    @property
    def units(self) -> int | None:
        """The number of output units."""
        return self.head.units


def tasks(trace: Trace) -> Iterator[Task]:
    """The objectives of a run. Values of predictions are recorded for the first of them only."""
    cards = trace.data.targets
    paired = len(cards) == len(trace.run.objectives)
    crash = trace.run.crash
    crashed = crash is not None and crash.during == "loss"
    for index, objective in enumerate(trace.run.objectives):
        task = Task(index, objective.loss, objective.head, cards[index] if paired else None, crashed=crashed)
        yield replace(task, **_seen(trace)) if index == 0 else task


def _seen(trace: Trace) -> dict[str, Any]:
    return {
        "rows": trace.sample.targets if trace.sample is not None else None,
        "answers": trace.sample.predictions if trace.sample is not None else None,
        "low": _extreme(trace, "prediction.min", np.fmin),
        "high": _extreme(trace, "prediction.max", np.fmax),
        "row_sum_error": _extreme(trace, "prediction.row_sum_error", np.fmax),
        "seen": int(np.isfinite(trace.scalar("prediction.min")).sum()),
    }


def _extreme(trace: Trace, name: str, of: np.ufunc) -> float:
    return float(of.reduce(trace.scalar(name), initial=math.nan))


def labels(task: Task) -> Labels | None:
    """The class labels, for targets that are one whole number for each example or position; None for others."""
    card = task.target
    if card is None or card.encoding not in ("class-index", "binary"):
        return None
    values = [value for value, _ in card.counts if value not in (IGNORED, task.loss.ignore_index)]
    # -1 is also used for "no label", but not where the loss refused it or only one other label is there.
    if task.family == "classes" and values[:1] == [-1] and len(values) >= 3 and not task.crashed:
        values = values[1:]
    if not values:
        return None
    if len(card.counts) >= _CAPPED and card.maximum is not None:
        return Labels(values[0], int(card.maximum), len(values), int(card.maximum))
    return Labels(values[0], values[-1], len(values), values[-2:][0])


def is_column(task: Task) -> bool:
    """True if a target is one number for each example, or for each position of a sequence or an image."""
    if task.target is None:
        return False
    shape, answer = task.target.shape, task.head.shape
    return shape in ((), (1,)) or (answer is not None and 1 <= len(shape) == len(answer) - 1)


def is_bounded(card: TargetCard, slack: float = SLACK) -> bool:
    """True if all targets can be shares, between 0 and 1."""
    return (card.minimum is None or card.minimum >= -slack) and (card.maximum is None or card.maximum <= 1 + slack)


def row_sum(task: Task) -> float:
    """What a target row of numbers in [0, 1] adds up to: the most in a sample of multi-hot rows, else the mean.

    NaN unless the row has one number for each output unit.
    """
    card = task.target
    if card is None or card.encoding not in ("multi-hot", "unit-interval") or card.mean is None or not card.shape:
        return math.nan
    width = card.shape[-1]
    if width is None or width == 1 or width != task.units:
        return math.nan
    if card.encoding == "multi-hot" and task.rows is not None and len(task.rows):
        return float(task.rows.sum(axis=-1).max())
    return card.mean * width


def is_independent(task: Task) -> bool:
    """True if a target row can add up to more than 1 (several labels at once), so that no softmax can answer it."""
    return row_sum(task) > 1 + SLACK


def scaled_classes(task: Task) -> int | None:
    """How many classes there are, if the targets are class numbers that were divided (and shifted) by something.

    They are if few distinct values lie on an even grid that has no more places than the output has units.
    """
    if task.rows is None or not task.units or task.encoding not in ("unit-interval", "continuous"):
        return None
    distinct = np.unique(task.rows[np.isfinite(task.rows)])
    if len(distinct) < 3 or task.rows.size < 2 * len(distinct):
        return None
    places = (distinct - distinct[0]) / np.diff(distinct).min()
    even = bool((np.abs(places - np.round(places)) < 0.01).all())
    return round(float(places[-1])) + 1 if even and round(float(places[-1])) < task.units else None
