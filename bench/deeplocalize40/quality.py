"""How well a trained program does its task, in numpy and by one measure for all: its skill over a constant answer.

The skill is 0 for the best constant prediction and 1 for a perfect one: R^2 for quantities, otherwise the share of the
constant's mistakes that the program does not make. It is taken on the raw labels, not on what the script made of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

WELL = 0.25
"""A program trains well if its skill is at least this much in every seed, and its loss below the best constant's."""

NO_WORSE = 0.05
"""... and if its mean skill is at most this much below that of the buggy program."""

GAIN = 0.10
"""A change is a cure if the changed program trains well and its mean skill is at least this much above the buggy one's."""


class Quality(NamedTuple):
    """The end of one training: loss and accuracy beside those of the best constant prediction (None: not defined)."""

    loss: float
    constant_loss: float
    accuracy: float | None
    constant_accuracy: float | None
    skill: float

    @property
    def is_good(self) -> bool:
        """True if this one training came out well."""
        better = self.loss < self.constant_loss or self.constant_loss == 0
        return bool(np.isfinite(self.loss) and better and self.skill >= WELL)


def trains_well(runs: list[Quality], buggy: list[Quality] = ()) -> bool:  # type: ignore[assignment]
    """True if every run came out well, and on the average not worse than the buggy program's."""
    if not runs or not all(run.is_good for run in runs):
        return False
    return not buggy or mean_skill(runs) >= mean_skill(buggy) - NO_WORSE


def is_cure(runs: list[Quality], buggy: list[Quality]) -> bool:
    """True if the runs of a changed program came out well, and clearly better than the buggy one's."""
    return trains_well(runs) and mean_skill(runs) >= mean_skill(buggy) + GAIN


def mean_skill(runs: list[Quality]) -> float:
    """The mean skill; a training that ended in NaN counts as a constant answer, as do those that are worse than one."""
    return float(np.mean([np.clip(np.nan_to_num(run.skill, nan=0.0, neginf=0.0), 0, 1) for run in runs]))


def measure(task: str, prediction: Array, labels: Array, targets: Array, loss: float, kind: str) -> Quality:
    """Judge a trained program.

    Args:
        task: multiclass, binary, multilabel, regression or image-to-image.
        prediction: what the model answers, [rows, ...].
        labels: the raw labels of the data file, [rows, ...].
        targets: the targets as the script encoded them, [rows, ...].
        loss: the loss of the whole.
        kind: the name of the loss.
    """
    constant = constant_loss(kind, targets)
    if task in ("regression", "image-to-image"):
        return Quality(loss, constant, None, None, r_squared(prediction, targets))
    right = accuracy(task, prediction, labels)
    majority = constant_accuracy(task, labels)
    skill = (right - majority) / (1 - majority) if majority < 1 else right
    return Quality(loss, constant, right, majority, skill)


def r_squared(prediction: Array, targets: Array) -> float:
    """Explained share of the variance; -inf if the prediction is not finite."""
    error = np.asarray(prediction, float).reshape(targets.shape) - targets
    rest, whole = np.square(error).mean(), np.square(targets - targets.mean(axis=0)).mean()
    return float(1 - rest / whole) if np.isfinite(rest) else -np.inf


def accuracy(task: str, prediction: Array, labels: Array) -> float:
    """Share of right answers; of single ones where a row has several."""
    if task == "multilabel" or (prediction.shape[1:] == labels.shape[1:] and labels.ndim > 2):
        return float(((prediction > 0.5) == (labels > 0.5)).mean())
    if prediction.shape[-1] > 1:
        chosen = prediction.argmax(axis=-1)
    else:
        chosen = np.round(np.nan_to_num(prediction[..., 0].astype(float), nan=-1.0, posinf=-1.0, neginf=-1.0))
    return float((chosen.ravel() == labels.ravel()).mean())


def constant_accuracy(task: str, labels: Array) -> float:
    """The share of the commonest answer."""
    if task == "multilabel":
        ones = labels.mean(axis=0)
        return float(np.maximum(ones, 1 - ones).mean())
    return float(np.unique(labels, return_counts=True)[1].max() / labels.size)


def constant_loss(kind: str, targets: Array) -> float:
    """The loss of the best constant prediction."""
    targets = np.asarray(targets, float)
    if kind == "mean_squared_error":
        return float(targets.var(axis=0).mean())
    if kind == "mean_absolute_error":
        return float(np.abs(targets - np.median(targets, axis=0)).mean())
    if kind == "binary_crossentropy":
        share = targets.mean(axis=0).clip(0, 1)
        return float(-(_x_log(share, share) + _x_log(1 - share, 1 - share)).mean())
    if kind == "sparse_categorical_crossentropy":
        shares = np.unique(targets.astype(int), return_counts=True)[1] / targets.size
    else:
        shares = targets.mean(axis=0)
    return float(-_x_log(shares, shares).sum())


def _x_log(x: Array, y: Array) -> Array:
    return np.where(x > 0, x * np.log(np.where(y > 0, y, 1)), 0.0)
