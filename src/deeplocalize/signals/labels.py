"""The labels of the batches: how they are spread, and whether they are a program's own data."""

from __future__ import annotations

import numpy as np

from deeplocalize.signals.over_time import recorded
from deeplocalize.trace.schema import Trace

CODES = ("class-index", "binary", "one-hot")
"""Encodings of one class among several."""


def most_common(trace: Trace) -> float | None:
    """The share that the most frequent class has in all labels seen; None if they are no classes."""
    card = trace.data.targets[0] if trace.data.targets else None
    counts = [count for _, count in card.counts] if card is not None and card.encoding in CODES else []
    return max(counts) / sum(counts) if sum(counts) else None


def is_one_label(trace: Trace) -> bool:
    """True if the only loss is a plain one for classes that is given one label for each example."""
    if len(trace.run.objectives) != 1 or len(trace.data.targets) != 1:
        return False
    loss, card = trace.run.objectives[0].loss, trace.data.targets[0]
    shaped = len(card.shape) <= 1 if card.encoding == "one-hot" else card.shape in ((), (1,))
    classes = loss.kind in ("cross-entropy", "negative-log-likelihood", "binary-cross-entropy", "hinge")
    return classes and shaped and loss.reduction == "mean" and not loss.weighted


def alone(trace: Trace) -> bool:
    """True if hardly ever another training of the process stepped in between, and each step has one backward pass."""
    others, passes = recorded(trace.scalar("other_steps"))[1:], recorded(trace.scalar("backwards"))
    return not (len(others) and np.mean(others > 0) >= 1 / 20) and not (len(passes) and np.median(passes) > 1)
