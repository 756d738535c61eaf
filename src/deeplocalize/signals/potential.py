"""What the inputs would allow: how well simple models answer the rows trained on, each row left out of its own answer.

They cost no training and know nothing of the network. Where one of them is much better than the network on the same rows,
the network leaves out what the inputs say. `neighbors` are the five nearest neighbors, `linear` is least squares and
`curved` least squares with a Gaussian kernel, both with a penalty chosen in their favor.
See https://en.wikipedia.org/wiki/K-nearest_neighbors_algorithm and https://en.wikipedia.org/wiki/Kernel_method.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from deeplocalize.signals.over_time import level, recorded
from deeplocalize.signals.quality import CLEAR_GAIN, has_had_time, loss_curve, steps_seen
from deeplocalize.signals.task import Task, tasks
from deeplocalize.trace.schema import FloatArray, IntArray, Sample, Trace

NEIGHBORS = 5
"""So many neighbors answer together: wrong labels of single examples are outvoted."""

LEAST_ROWS = 48
"""Of fewer rows no share is known well enough."""

MOST_COLUMNS = 16
"""A target of more numbers than this is a picture or a text, which is not looked up among its neighbors."""

COPY = 0.1
"""Rows closer than this share of the usual distance are versions of one example: the latest of them is kept."""

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Strengths of a penalty on the weights, against kernels of size 1."""

NOTHING = 0.2
"""Where the network answers no better than a constant would, this share of a constant's error shows that it need not."""

WIDTHS = (0.5, 1.0, 2.0)
"""Widths of a Gaussian kernel, in units of the median distance of two rows."""


@dataclass(frozen=True)
class Comparison:
    """The errors of several ways to answer the same rows.

    Errors are 0 or 1 for a class, and squared errors as a share of the targets' variance for quantities.

    Attributes:
        errors: by name (network, neighbors, and with `probes` linear and curved), [rows] each.
        constant: the mean error of always answering the same.
    """

    errors: Mapping[str, FloatArray]
    constant: float

    def of(self, name: str) -> float:
        """The mean error of one way to answer."""
        return float(self.errors[name].mean())

    def beats(self, better: str, worse: str, least: float) -> bool:
        """True if one way removes, for sure, `least` of the constant answer's error more than another."""
        gain = self.errors[worse] - self.errors[better]
        error = float(gain.std()) / math.sqrt(len(gain))
        return bool(gain.mean() > 3 * error and gain.mean() > least * self.constant)


def compare(trace: Trace, *, probes: bool = False) -> Comparison | None:
    """Compare the network with its neighbors, and with `probes` also with two kinds of least squares; None if that is not
    possible.

    The network is judged by its answers of the second half of the run, as they were in training, so the comparison means
    little where the loss still falls (see `has_levelled_off`) or where dropout makes the answers noisy.
    """
    task, sample = next(tasks(trace), None), trace.sample
    if task is None or sample is None or task.loss.weighted or len(trace.run.objectives) != 1:
        return None
    truth = _truth(task, sample.targets)
    if truth is None or not np.isfinite(sample.inputs).all() or _is_copied(sample) or len(truth) < LEAST_ROWS:
        return None
    inputs = _standardized(sample.inputs)
    kept = _distinct(inputs)
    late = np.flatnonzero(sample.steps[kept] >= steps_seen(trace) / 2)
    answers = _answers(task, sample.predictions[kept])
    if answers is None or answers.shape != truth[kept].shape or len(late) < LEAST_ROWS:
        return None
    return _compared(inputs[kept], truth[kept], answers, late, probes)


def _compared(
    inputs: FloatArray, truth: FloatArray, answers: FloatArray, late: IntArray, probes: bool
) -> Comparison | None:
    is_class = truth.ndim == 1
    classes, places, counts = np.unique(truth, return_inverse=True, return_counts=True)
    rows = np.eye(len(classes))[places] if is_class else truth / _scale(truth)
    if not rows.var(axis=0).any():
        return None

    def errors(found: FloatArray) -> FloatArray:
        if is_class:
            wrong: FloatArray = (found.argmax(axis=1) != places).astype(np.float64)
            return wrong
        squares: FloatArray = np.square(found - rows).mean(axis=1)
        return squares

    apart = _distances(inputs)
    every = {"network": (answers != truth).astype(np.float64) if is_class else errors(answers / _scale(truth))}
    every["neighbors"] = errors(_look_up(apart, rows))
    if probes:
        middle = float(np.median(apart[np.isfinite(apart)]))
        gaussian = [
            np.exp(-np.square(np.where(np.isfinite(apart), apart, 0) / (width * middle)) / 2) for width in WIDTHS
        ]
        every["linear"] = _best([inputs @ inputs.T / max(inputs.shape[1], 1)], rows, errors)
        every["curved"] = _best(gaussian, rows, errors)
    constant = float(1 - counts.max() / len(truth)) if is_class else 1.0
    return Comparison({name: each[late] for name, each in every.items()}, constant)


@dataclass(frozen=True)
class Shortfall:
    """How much worse a network is than the inputs allow: an error of its own, in words, and the largest one that is not
    too much."""

    what: str
    observed: float
    allowed: float


def falls_short(trace: Trace, least: float, learns: bool | None, nothing: float = NOTHING) -> Shortfall | None:
    """Tell by what a network that has had its chance falls short: it leaves `least` of the constant answer's error more than
    the nearest neighbors do. None if it does not, or nobody can say.

    Where it answers no better than a constant, `nothing` is enough, and it may be least squares that answer better. Errors on
    validation data count where there are any, if the loss has levelled off or the network is known not to learn (`learns` is
    False), for noise such as dropout is off there. Without them, errors in training count if it does not learn, or if nobody
    can tell and the loss has levelled off.
    """
    found = compare(trace)
    if found is None or not has_had_time(trace):
        return None
    elsewhere, settled = error_elsewhere(trace), learns is False or has_levelled_off(trace)
    if not settled or (learns and math.isnan(elsewhere)):
        return None
    own = found.of("network") if math.isnan(elsewhere) else elsewhere
    better, best = "neighbors", "the nearest neighbors"
    if not learns and own >= (1 - CLEAR_GAIN) * found.constant:
        found, least = compare(trace, probes=True) or found, nothing
        better = min((each for each in found.errors if each != "network"), key=found.of)
        best = best if better == "neighbors" else "least squares"
    allowed = found.of(better) + least * found.constant
    sure = own > allowed if math.isfinite(elsewhere) else found.beats(better, "network", least)
    where = "on validation data" if math.isfinite(elsewhere) else "in training"
    return Shortfall(f"the error {where} (that of {best} is {found.of(better):.2g})", own, allowed) if sure else None


def has_levelled_off(trace: Trace, still: float = 0.1) -> bool:
    """True if the loss of the last quarter of the run is less than a tenth below that of the quarter before."""
    return pace(trace) > 1 - still


def pace(trace: Trace) -> float:
    """The loss of the last quarter of the run over that of the quarter before; NaN for a run of fewer than 40 steps."""
    curve = recorded(loss_curve(trace))
    quarter = len(curve) // 4
    if quarter < 10:
        return math.nan
    before, now = level(curve[-2 * quarter : -quarter]).value, level(curve[-quarter:]).value
    return now / before if before > 0 else math.nan


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


def _distances(inputs: FloatArray) -> FloatArray:
    """Distances of all pairs of rows; infinite from a row to itself."""
    squares = np.square(inputs).sum(axis=1)
    apart: FloatArray = np.sqrt(np.maximum(squares[:, None] + squares - 2 * inputs @ inputs.T, 0))
    np.fill_diagonal(apart, np.inf)
    return apart


def _distinct(inputs: FloatArray) -> IntArray:
    """Places of the rows without those of which there is a later version, ascending."""
    apart = _distances(inputs)
    usual = float(np.median(np.partition(apart, NEIGHBORS - 1, axis=1)[:, NEIGHBORS - 1]))
    same = apart < max(COPY * usual, 1e-6)
    kept: list[int] = []
    for row in range(len(inputs) - 1, -1, -1):
        if not same[row, kept].any():
            kept.append(row)
    return np.array(kept[::-1], np.int64)


def _is_copied(sample: Sample) -> bool:
    """True if the targets may be the inputs: an autoencoder is not asked what its input means."""
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


def _standardized(inputs: FloatArray) -> FloatArray:
    spread = inputs.std(axis=0)
    varied = spread > 0
    scaled: FloatArray = (inputs[:, varied] - inputs[:, varied].mean(axis=0)) / spread[varied]
    return scaled


def _scale(truth: FloatArray) -> float:
    """What quantities are divided by, so that the error of the best constant is 1."""
    return math.sqrt(float(truth.var(axis=0).mean()) or 1.0)


def _look_up(apart: FloatArray, rows: FloatArray) -> FloatArray:
    """The mean of the nearest other rows; for classes these are votes."""
    means: FloatArray = rows[np.argsort(apart, axis=1)[:, :NEIGHBORS]].mean(axis=1)
    return means


def _best(kernels: list[FloatArray], rows: FloatArray, errors: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """The errors of the kernel and the penalty with the fewest of them."""
    found = [errors(answers) for kernel in kernels for answers in _left_out(kernel, rows)]
    return min(found, key=lambda each: float(each.mean()))


def _left_out(kernel: FloatArray, rows: FloatArray) -> Iterator[FloatArray]:
    """What least squares with a kernel (and a constant) answer to each row, fitted to all others, for each penalty.

    With the hat matrix H that is (H y - h y) / (1 - h), h being its diagonal; see
    https://en.wikipedia.org/wiki/PRESS_statistic.
    """
    values, vectors = np.linalg.eigh(kernel + 1.0)
    values, turned = np.maximum(values, 0), vectors.T @ rows
    for penalty in PENALTIES:
        shares = values / (values + penalty)
        own = np.minimum(np.square(vectors) @ shares, 1 - 1e-9)[:, None]
        yield (vectors @ (shares[:, None] * turned) - own * rows) / (1 - own)
