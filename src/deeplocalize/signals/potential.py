"""What the inputs would allow: how much of the targets the examples next to an example tell, without any training.

The answer of the nearest neighbors is a lower bound for what could be learned: it costs no training and knows nothing of
the network. Where it is much better than the network on the same rows, the network leaves out what the inputs say.
See https://en.wikipedia.org/wiki/K-nearest_neighbors_algorithm.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

from deeplocalize.signals.over_time import level, recorded
from deeplocalize.signals.quality import learns_well, loss_curve, steps_seen
from deeplocalize.signals.task import Task, tasks
from deeplocalize.trace.schema import FloatArray, IntArray, Trace

NEIGHBORS = 5
"""So many neighbors answer together: wrong labels of single examples are outvoted."""

LEAST_ROWS = 48
"""Of fewer rows no share is known well enough."""

MOST_COLUMNS = 16
"""A target of more numbers than this is a picture or a text, which is not looked up among its neighbors."""

COPY = 0.1
"""Rows closer than this share of the usual distance are versions of one example, and say nothing about each other."""


class Comparison(NamedTuple):
    """Mean error of three ways to answer the same rows, and how sure the difference of the first two is.

    Errors are shares of wrong answers, or squared errors as a share of the targets' variance. `sigmas` is the mean of
    (network - neighbors) over the rows in units of its standard error.
    """

    rows: int
    network: float
    neighbors: float
    constant: float
    sigmas: float

    def leaves_out(self, least: float) -> bool:
        """True if the neighbors remove, for sure, `least` of the constant answer's error more than the network does."""
        return self.sigmas > 3 and self.network - self.neighbors > least * self.constant

    def tell(self, least: float) -> bool:
        """True if the neighbors remove at least this share of the constant answer's error."""
        return self.neighbors < (1 - least) * self.constant


def compare(trace: Trace) -> Comparison | None:
    """Compare the network with the nearest neighbors, each row left out of its own; None if that is not possible.

    The network is judged by its answers of the second half of the run, as they were in training, so the comparison means
    little where the loss still falls (see `has_levelled_off`) or where dropout makes the answers noisy.
    """
    task = next(tasks(trace), None)
    sample = trace.sample
    if task is None or sample is None or task.loss.weighted or len(trace.run.objectives) != 1:
        return None
    kept = _distinct(sample.inputs)
    truth = _truth(task, sample.targets)
    if truth is None or len(kept) < LEAST_ROWS or not np.isfinite(sample.inputs).all() or _is_copied(trace):
        return None
    late = np.flatnonzero(sample.steps[kept] >= steps_seen(trace) / 2)
    answers = _answers(task, sample.predictions[kept[late]])
    if answers is None or len(late) < LEAST_ROWS:
        return None
    truth = truth[kept]
    is_class = truth.ndim == 1
    looked_up = _look_up(_standardized(sample.inputs[kept]), truth, late, is_class)
    network, neighbors = (_errors(each, truth[late], is_class) for each in (answers, looked_up))
    if network is None or neighbors is None:
        return None
    scale = 1.0 if is_class else float(truth.var(axis=0).mean())
    if not scale > 0:
        return None
    constant = float(1 - np.unique(truth, return_counts=True)[1].max() / len(truth)) if is_class else 1.0
    if constant == 0:
        return None
    difference = network - neighbors
    error = float(difference.std()) / math.sqrt(len(late))
    mean = float(difference.mean())
    sigmas = mean / error if error > 0 else math.copysign(math.inf, mean) if mean else 0.0
    return Comparison(len(late), float(network.mean()) / scale, float(neighbors.mean()) / scale, constant, sigmas)


def has_levelled_off(trace: Trace, still: float = 0.1) -> bool:
    """True if the loss of the last quarter of the run is less than a tenth below that of the quarter before."""
    curve = recorded(loss_curve(trace))
    quarter = len(curve) // 4
    if quarter < 10:
        return False
    before, now = level(curve[-2 * quarter : -quarter]).value, level(curve[-quarter:]).value
    return now > (1 - still) * before


def error_elsewhere(trace: Trace) -> float:
    """The error on validation data over the last quarter of its records, in the units of a Comparison; NaN if unknown."""
    task = next(tasks(trace), None)
    if task is None or task.family is None:
        return math.nan
    if task.family == "values":
        squared = task.loss.kind == "mean-squared-error" and trace.data.baseline_loss
        return _latest(trace, "validation.loss") / squared if squared else math.nan
    names = [each for each in sorted(trace.scalars) if re.fullmatch(r"validation\..*(accuracy|acc)", each)]
    return 1 - _latest(trace, names[0]) if names else math.nan


def _latest(trace: Trace, name: str) -> float:
    known = recorded(trace.scalar(name))
    return float(np.median(known[-max(1, len(known) // 4) :])) if len(known) else math.nan


def could_do_better(trace: Trace, least: float) -> Comparison | None:
    """The comparison, if the loss has levelled off and the neighbors tell much more than the network does; else None."""
    if learns_well(trace) is None or not has_levelled_off(trace):
        return None
    found = compare(trace)
    return found if found is not None and found.leaves_out(least) else None


def _distinct(inputs: FloatArray) -> IntArray:
    """Places of the latest row of each distinct input, ascending."""
    _, latest = np.unique(inputs[::-1], axis=0, return_index=True)
    places: IntArray = np.sort(len(inputs) - 1 - latest)
    return places


def _is_copied(trace: Trace) -> bool:
    """True if the targets are the inputs: an autoencoder is not asked what its input means."""
    sample = trace.sample
    if sample is None:
        return True
    targets = sample.targets.reshape(len(sample.targets), -1)
    return targets.shape == sample.inputs.shape and targets.shape[1] > 1


def _truth(task: Task, targets: FloatArray) -> FloatArray | None:
    """One class [rows] or some numbers [rows, columns] for each row; None if it is something else."""
    flat = targets.reshape(len(targets), -1) if len(targets) else targets
    if not len(targets) or not np.isfinite(targets).all():
        return None
    if task.encoding in ("class-index", "binary") and task.family in ("classes", "binary") and flat.shape[1] == 1:
        return flat[:, 0]
    if task.encoding in ("one-hot", "probabilities") and task.family == "classes" and targets.ndim == 2:
        chosen: FloatArray = flat.argmax(axis=1).astype(np.float64)
        return chosen
    values = task.family == "values" and task.encoding in ("continuous", "unit-interval", "class-index")
    return flat if values and flat.shape[1] <= MOST_COLUMNS else None


def _answers(task: Task, predictions: FloatArray) -> FloatArray | None:
    """The network's answers in the form of `_truth`."""
    if not len(predictions) or not np.isfinite(predictions).all():
        return None
    flat = predictions.reshape(len(predictions), -1)
    if task.family == "values":
        return flat
    if predictions.ndim > 2:
        return None
    if flat.shape[1] > 1 and task.family != "classes":
        return None
    middle = 0.5 if task.loss.takes == "probabilities" else 0.0
    chosen: FloatArray = (flat.argmax(axis=1) if flat.shape[1] > 1 else flat[:, 0] > middle).astype(np.float64)
    return chosen


def _errors(answers: FloatArray, truth: FloatArray, is_class: bool) -> FloatArray | None:
    if answers.shape != truth.shape:
        return None
    errors: FloatArray = (answers != truth).astype(np.float64) if is_class else np.square(answers - truth).mean(axis=1)
    return errors


def _standardized(inputs: FloatArray) -> FloatArray:
    spread = inputs.std(axis=0)
    varied = spread > 0
    scaled: FloatArray = (inputs[:, varied] - inputs[:, varied].mean(axis=0)) / spread[varied]
    return scaled


def _look_up(inputs: FloatArray, truth: FloatArray, asked: IntArray, is_class: bool) -> FloatArray:
    """The mean, or the most frequent, truth of the nearest other rows, for each row asked."""
    squares = np.square(inputs).sum(axis=1)
    apart = np.sqrt(np.maximum(squares[asked, None] + squares - 2 * inputs[asked] @ inputs.T, 0))
    apart[np.arange(len(asked)), asked] = np.inf
    usual = np.median(np.partition(apart, NEIGHBORS - 1, axis=1)[:, NEIGHBORS - 1])
    apart[apart < COPY * usual] = np.inf
    nearest = np.argsort(apart, axis=1)[:, :NEIGHBORS]
    if not is_class:
        means: FloatArray = truth[nearest].mean(axis=1)
        return means
    classes, numbers = np.unique(truth, return_inverse=True)
    votes = np.eye(len(classes))[numbers][nearest].sum(axis=1)
    chosen: FloatArray = classes[votes.argmax(axis=1)]
    return chosen
