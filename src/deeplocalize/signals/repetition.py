"""Whether batches are the one before again, apart from noise that was added to it."""

from __future__ import annotations

import itertools
import math

import numpy as np

from deeplocalize.trace.schema import FloatArray, Trace

MIN_ROWS = 8
"""Fewer rows with others of their label, or that many labels all different, tell nothing of a pair of batches."""

MIN_PAIRS = 5
"""Of so many pairs of recorded batches it is no chance that all are the same."""


def rows_again(trace: Trace, batches: int) -> float:
    """The least share, over pairs of successive recorded batches, of rows that are found again in their place; NaN if that is
    not known.

    Batches that are a multiple of `batches` steps apart say nothing: in an order that stays the same it is the same one. The
    targets must be the same, in their order. A row is found again if the later one in its place is nearer than all others of
    its label: of rows chosen anew, so many as one in two at most. One example of each class in a fixed order says nothing.
    """
    sample = trace.sample
    if sample is None or batches < 1:
        return math.nan
    steps = np.unique(sample.steps)
    shares = []
    for one, other in itertools.pairwise(steps):
        if (other - one) % batches:
            first, second = sample.steps == one, sample.steps == other
            targets = sample.targets[first], sample.targets[second]
            same = targets[0].shape == targets[1].shape and np.array_equal(*targets)
            shares.append(_found_again(sample.inputs[first], sample.inputs[second], targets[0]) if same else 0.0)
    return min(shares) if len(shares) >= MIN_PAIRS and not np.isnan(shares).any() else math.nan


def _found_again(rows: FloatArray, later: FloatArray, targets: FloatArray) -> float:
    """The share of rows to which the later one in their place is the nearest; NaN with too few rows to tell."""
    labels = np.unique(targets.reshape(len(targets), -1), axis=0, return_inverse=True)[1].ravel()
    alike = labels[:, None] == labels[None, :] if len(set(labels)) < len(labels) else np.ones((len(labels),) * 2, bool)
    np.fill_diagonal(alike, False)
    told = alike.any(axis=1)
    if told.sum() < MIN_ROWS or len(set(labels)) < 2:
        return math.nan
    apart = np.sqrt(((rows[:, None, :] - rows[None, :, :]) ** 2).sum(axis=-1))
    others = np.where(alike, apart, math.inf).min(axis=1)
    moved = np.sqrt(((rows - later) ** 2).sum(axis=-1))
    return float((moved < others)[told].mean())
