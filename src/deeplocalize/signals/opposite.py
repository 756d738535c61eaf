"""Whether a loss of the user's own is minus a known one: told from the answers and the targets it was given."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deeplocalize.signals.task import Task
from deeplocalize.trace.schema import FloatArray, IntArray, Trace

_TINY = 1e-7
"""Probabilities are kept this far from 0 before their logarithm is taken, as Keras does."""


class Known(NamedTuple):
    """A known loss that was compared with the recorded one.

    `ratio` is the recorded loss over the known one, the median over the sampled steps; `constant` the known loss of the
    best constant answer to the sampled targets, in the units of the recorded one.
    """

    name: str
    ratio: float
    constant: float


def known_losses(trace: Trace, task: Task) -> Iterator[Known]:
    """The recorded loss in units of each known loss that answers and targets of this form can have.

    Only of the first objective, whose answers are recorded. A ratio is given if it is about the same in all steps.
    """
    sample = trace.sample
    if task.index or sample is None or not len(sample.steps):
        return
    finite = np.isfinite(sample.predictions.reshape(len(sample.steps), -1)).all(axis=1)
    steps, targets, answers = sample.steps[finite], sample.targets[finite], sample.predictions[finite]
    for name, losses in _losses(targets, answers) if len(steps) else ():
        width = answers.shape[-1] if answers.ndim > 1 and answers.shape == targets.shape else 1
        for summed in {1, 1 if name == "cross-entropy" else width}:
            ratios = _ratios(trace, steps, losses * summed)
            # Rows are a part of their batch only, so the ratio scatters; that of another loss would do so far more.
            if len(ratios) and np.quantile(np.abs(ratios), 0.75) < 2 * np.quantile(np.abs(ratios), 0.25):
                yield Known(name, float(np.median(ratios)), _constant(name, targets, answers) * summed)
    if not len(steps):
        yield from _overflowed(trace)


def _overflowed(trace: Trace) -> Iterator[Known]:
    """The squared error of answers that grew so large before they were no longer finite that the targets hardly count."""
    card = trace.data.targets[0] if trace.data.targets else None
    if card is None or card.mean is None or card.std is None:
        return
    squares = trace.scalar("prediction.mean") ** 2 + trace.scalar("prediction.std") ** 2
    # By Cauchy and Schwarz the targets then change the error by a fifth at most.
    ratios = (trace.scalar("loss") / squares)[squares > 100 * (card.mean**2 + card.std**2)]
    ratios = ratios[np.isfinite(ratios)]
    width = trace.run.objectives[0].head.units or 1
    if len(ratios) >= 2:
        for summed in {1, width}:
            yield Known("mean squared error", float(np.median(ratios)) / summed, card.std**2 * summed)


def _ratios(trace: Trace, steps: IntArray, losses: FloatArray) -> FloatArray:
    recorded = dict(zip(trace.steps.tolist(), trace.scalar("loss").tolist(), strict=True))
    ratios = []
    for step in np.unique(steps).tolist():
        known, loss = float(losses[steps == step].mean()), recorded.get(step, math.nan)
        ratios.append(loss / known if known > 0 else math.nan)
    found = np.array(ratios)
    kept: FloatArray = found[np.isfinite(found)]
    return kept


def _losses(targets: FloatArray, answers: FloatArray) -> Iterator[tuple[str, FloatArray]]:
    """Known losses by name, [rows] each."""
    if targets.size == answers.size:
        error = targets.reshape(len(targets), -1) - answers.reshape(len(targets), -1)
        yield "mean squared error", np.square(error).mean(axis=1)
        yield "mean absolute error", np.abs(error).mean(axis=1)
        if targets.min() >= 0 and targets.max() <= 1:
            yield "binary cross-entropy", _binary(targets, answers).reshape(len(targets), -1).mean(axis=1)
    if (rows := _one_hot(targets, answers)) is not None:
        yield "cross-entropy", -(rows * np.log(_probabilities(answers))).sum(axis=-1)


def _binary(targets: FloatArray, answers: FloatArray) -> FloatArray:
    targets = targets.reshape(answers.shape)
    if np.min(answers) < 0 or np.max(answers) > 1:
        return np.logaddexp(0, answers) - targets * answers
    sure = np.clip(answers, _TINY, 1 - _TINY)
    found: FloatArray = -(targets * np.log(sure) + (1 - targets) * np.log(1 - sure))
    return found


def _one_hot(targets: FloatArray, answers: FloatArray) -> FloatArray | None:
    """The targets as rows over the classes of `answers` [rows, classes]; None if they are no classes."""
    if answers.ndim != 2 or answers.shape[1] < 2:
        return None
    if targets.shape == answers.shape:
        return targets if targets.min() >= 0 and np.allclose(targets.sum(axis=1), 1, atol=1e-3) else None
    if targets.size != len(answers) or not np.isin(targets, np.arange(answers.shape[1])).all():
        return None
    rows: FloatArray = np.eye(answers.shape[1])[targets.astype(int).ravel()]
    return rows


def _probabilities(answers: FloatArray) -> FloatArray:
    """Answers [rows, classes] as probabilities: as they are if they are such, through a softmax if they are not."""
    if np.min(answers) < 0 or np.max(np.abs(answers.sum(axis=1) - 1)) > 1e-2:
        exponential = np.exp(answers - answers.max(axis=1, keepdims=True))
        answers = exponential / exponential.sum(axis=1, keepdims=True)
    return np.clip(answers, _TINY, 1)


def _constant(name: str, targets: FloatArray, answers: FloatArray) -> float:
    """The loss of the best constant answer."""
    columns = targets.reshape(len(targets), -1)
    if name == "mean squared error":
        return float(columns.var(axis=0).mean())
    if name == "mean absolute error":
        return float(np.abs(columns - np.median(columns, axis=0)).mean())
    if name == "binary cross-entropy":
        share = np.clip(columns.mean(axis=0), _TINY, 1 - _TINY)
        return float(-(share * np.log(share) + (1 - share) * np.log(1 - share)).mean())
    rows = _one_hot(targets, answers)
    shares = rows.mean(axis=0) if rows is not None else np.ones(1)
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())
