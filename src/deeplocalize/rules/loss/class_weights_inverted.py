"""The class weights grow with the counts of the classes instead of falling.

What it means
Weights in a loss are to make up for classes of different size: a rare class is given more weight. Here the most frequent
class is given the most, so what was unbalanced is now unbalanced twice.

Why it hurts
A class with a tenth of the examples and a tenth of the weight counts a hundredth: the network does best by never answering
with it. The accuracy looks fine, as it is that of the frequent classes.

How it is recognized
The weights that the loss was given are compared with the counts of the labels really trained on. The classes must be
clearly unbalanced and the weights as well: the largest count and the largest weight at least `apart` = 3 times the
smallest, as less than that can be meant and changes little. Both must go together: the correlation of their logarithms is
at least `agree` = 0.8, which for two classes is all or nothing. And it must do harm: of the sampled examples of the
classes that are rarer than the average, of which there must be `least` = 5, fewer than `right` = 0.9 were answered right.
Classes with a weight of 0 are left out on purpose, and not compared.

How to fix it
Give each class the inverse of its count: n / (classes * count). For yes or no in PyTorch, `pos_weight` is the number of
negative examples over that of positive ones.

When it is wrong
Where a mistake in the frequent class costs far more than one in a rare class, such weights are meant; write them into a cost
that is computed from the decisions, or ignore this finding.

References
scikit-learn, compute_class_weight. https://scikit-learn.org/stable/modules/generated/sklearn.utils.class_weight.compute_class_weight.html
PyTorch, BCEWithLogitsLoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.places import loss_line
from deeplocalize.signals.task import Task, tasks
from deeplocalize.trace.schema import FloatArray, IntArray, Trace


@rule(
    code="L215",
    severity=Severity.MEDIUM,
    needs=("objective", "targets", "sample"),
    explains=("learning-rate-too-low", "loss-no-better-than-constant"),
)
def check(
    trace: Trace, *, apart: float = 3.0, agree: float = 0.8, right: float = 0.9, least: int = 5
) -> Iterator[Finding]:
    """Yield one finding if the first loss weighs frequent classes more than rare ones, to their harm."""
    task = next(tasks(trace))
    labels, counts, weights = _classes(task)
    if len(labels) < 2 or min(counts.max() / counts.min(), weights.max() / weights.min()) < apart:
        return
    order = _correlation(counts, weights)
    share, seen = _answered_right(task, labels[counts < counts.mean()])
    if order < agree or seen < least or share >= right:
        return
    most, fewest = int(np.argmax(counts)), int(np.argmin(counts))
    times = float(weights[most] / weights[fewest])
    better = counts.sum() / (len(counts) * counts)
    yield Finding(
        message=f"The loss weighs class {labels[most]}, the most frequent with {counts[most]:,.0f} labels, {times:.3g} times as "
        f"much as class {labels[fewest]} with {counts[fewest]:,.0f}: the weights are the wrong way round.",
        locus=Locus("loss", source=trace.run.sources.get("class_weight") or loss_line(trace, task.loss)),
        evidence=(
            Evidence("correlation of the classes' weights with their counts, in logarithms", order, ">=", agree),
            Evidence("weight of the most frequent class over that of the rarest", times, ">=", apart),
            Evidence("share of the rare classes' examples answered right", share, "<", right),
        ),
        remedies=(Remedy("Weigh each class by the inverse of its count", _listed(weights), _listed(better)),),
        strength=strength_of(times, apart),
    )


def _classes(task: Task) -> tuple[IntArray, FloatArray, FloatArray]:
    """Labels, counts and weights of the classes that were trained on and count in the loss."""
    weights, counts = task.loss.class_weights, dict(task.target.counts) if task.target is not None else {}
    used = [label for label in sorted(counts) if 0 <= label < len(weights)]
    used = [label for label in used if counts[label] > 0 and 0 < weights[label] < math.inf]
    used = [label for label in used if label != task.loss.ignore_index]
    return np.array(used, int), np.array([counts[at] for at in used], float), np.array([weights[at] for at in used])


def _correlation(one: FloatArray, other: FloatArray) -> float:
    """Of the logarithms: classes of nearly the same count may have any order among themselves."""
    return float(np.corrcoef(np.log(one), np.log(other))[0, 1])


def _answered_right(task: Task, labels: IntArray) -> tuple[float, int]:
    """Share of the sampled examples of these classes that were answered right, and how many there are."""
    truth, answers = task.rows, task.answers
    if truth is None or answers is None or not truth.size:
        return math.nan, 0
    if truth.shape == answers.shape and answers.ndim > 1 and answers.shape[-1] > 1:
        truth, guesses = truth.argmax(axis=-1), answers.argmax(axis=-1)
    elif truth.size == answers.size:
        guesses = (answers > (0.0 if task.loss.takes == "logits" else 0.5)).astype(int)
    else:
        guesses = answers.argmax(axis=-1)
    if guesses.size != truth.size:
        return math.nan, 0
    truth, guesses = truth.ravel(), guesses.ravel()
    meant = np.isin(truth, labels)
    return (float((guesses == truth)[meant].mean()) if meant.any() else math.nan), int(meant.sum())


def _listed(weights: FloatArray) -> str:
    shown = ", ".join(f"{weight:.3g}" for weight in weights[:6])
    return f"[{shown}, ...]" if len(weights) > 6 else f"[{shown}]"
