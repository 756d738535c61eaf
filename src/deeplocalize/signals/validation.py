"""What the network does on data that it is not trained on, as the program itself measured it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import CLEAR_GAIN
from deeplocalize.trace.schema import FloatArray, IntArray, Trace

LEAST = 3
"""A stretch of the curve is judged by no fewer evaluations."""

QUANTITIES = ("mean-squared-error", "mean-absolute-error", "huber")
"""Losses of quantities."""

SURE = 0.02
"""A validation loss that was so much below a constant's was better for a while."""

HIGHER_IS_BETTER = ("acc", "auc", "precision", "recall", "f1", "iou", "dice", "r2", "top")
LOWER_IS_BETTER = ("loss", "error", "mae", "mse", "rmse", "entropy", "mape")
"""Parts of the names of metrics, which say what is better."""


class Curve(NamedTuple):
    """The loss on other data.

    Attributes:
        at: the places of the evaluations among the recorded steps.
        values: the losses.
        best: the place of the best of them among the values, a single lucky one apart.
        then: the loss there.
        late: the losses of the last fifth, 3 at least.
    """

    at: IntArray
    values: FloatArray
    best: int
    then: float
    late: FloatArray


def validation_curve(trace: Trace) -> Curve | None:
    """The loss on other data over time; None if there are not enough values for an early and a late stretch."""
    values = trace.scalar("validation.loss")
    at = np.flatnonzero(np.isfinite(values))
    values = values[at]
    if len(values) < 2 * LEAST:
        return None
    smooth = middle_of_three(values)
    best = int(np.argmin(smooth))
    return Curve(at, values, best, float(smooth[best]), values[-max(LEAST, len(values) // 5) :])


def middle_of_three(values: FloatArray) -> FloatArray:
    """The median of each value and its two neighbors, [values]; at the ends of two, the larger."""
    padded = np.concatenate([values[1:2], values, values[-2:-1]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 3)
    middle = np.median(windows, axis=1)
    middle[0], middle[-1] = windows[0].max(), windows[-1].max()
    return np.asarray(middle)


def metrics_got_worse(trace: Trace, curve: Curve, errors: float) -> bool | None:
    """True if every metric that was measured beside the loss is worse in the end than when the loss was best.

    A share of right answers has got worse if `errors` times as many are wrong, and more than chance in so small a set may
    bring about. None if there is no such share.
    """
    answers: list[bool] = []
    shares = 0
    for name in trace.scalars:
        values = trace.scalar(name)[curve.at]
        if not name.startswith("validation.") or name == "validation.loss" or len(recorded(values)) < len(values):
            continue
        then, now = float(middle_of_three(values)[curve.best]), float(np.median(values[-len(curve.late) :]))
        if any(part in name for part in HIGHER_IS_BETTER):
            shares += 1
            answers.append(_more_wrong(then, now, values, errors))
        elif any(part in name for part in LOWER_IS_BETTER):
            answers.append(now > then)
    return all(answers) if shares else None if all(answers) else False


def _more_wrong(then: float, now: float, values: FloatArray, errors: float) -> bool:
    """True if a share of right answers fell from `then` to `now` for sure.

    How many examples it is a share of is not known; but no two values of it can be closer than one example.
    """
    wrong = min(max(1 - now, 0.0), 1.0)
    luck = 2 * math.sqrt(wrong * (1 - wrong) * closest(values))
    return wrong >= errors * (1 - then) and then - now > luck


def closest(values: FloatArray) -> float:
    """The least distance between two values that are not the same; 1 if there are none. A share of n examples: 1 / n at least."""
    steps = np.diff(np.unique(values.round(6)))
    return float(steps.min()) if len(steps) else 1.0


class Answers(NamedTuple):
    """The usual accuracy on validation data, and what it may be at most to be no better than a constant; NaN for quantities."""

    usual: float
    limit: float


def never_better(trace: Trace, curve: Curve) -> Answers | None:
    """The answers of a network that never was better than a constant on validation data. None if loss or accuracy speaks against
    that, or if there is no accuracy of classes."""
    objectives, majority, constant = trace.run.objectives, trace.data.baseline_accuracy, trace.data.baseline_loss
    if constant is None or curve.then < (1 - SURE) * constant:
        return None
    if objectives and all(each.loss.kind in QUANTITIES for each in objectives):
        return Answers(math.nan, math.nan)
    shares = [
        trace.scalar(each)[curve.at] for each in trace.scalars if each.startswith("validation.") and "acc" in each
    ]
    shares = [each for each in shares if len(recorded(each)) == len(curve.at)]
    if not shares or majority is None:
        return None
    usual = max(float(np.median(each[-some:])) for each in shares for some in (len(curve.late), len(each)))
    luck = 2 * math.sqrt(majority * (1 - majority) * min(map(closest, shares)))
    limit = majority + max(CLEAR_GAIN * (1 - majority), luck)
    return Answers(usual, limit) if usual <= limit else None
