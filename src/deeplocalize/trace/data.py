"""The DataCard: what the program really trained on, gathered from the batches of recorded steps.

A probe hands over a bounded number of rows of each recorded batch as numpy arrays; everything here is numpy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeplocalize.trace.cards import DataCard, InputCard, TargetCard
from deeplocalize.trace.schema import Loss, Sample

MAX_ROWS = 64
"""Examples a probe hands over for each recorded step."""

MAX_COLUMNS = 4096
"""Features (flattened) that are told apart; of larger examples every n-th feature is read."""

MAX_CARD_ROWS = 4096
"""Rows kept for the target's statistics."""

MAX_TARGETS = 1 << 18
"""Elements of a batch's targets that a probe hands over: all of them where it can, as baselines are computed from them."""

SAMPLE_ROWS = 512
SAMPLE_COLUMNS = 256

Array = NDArray[Any]


def row_indices(examples: int) -> slice:
    """Which examples of a batch a probe hands over: at most MAX_ROWS, evenly spaced."""
    return slice(0, None, max(1, math.ceil(examples / MAX_ROWS)))


@dataclass
class Moments:
    """Count, mean, sum of squared deviations, smallest and largest value of each column, [columns] each."""

    count: Array
    mean: Array
    m2: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, values: Array) -> Moments:
        """The moments of values [rows, columns]; values that are not finite are left out."""
        finite = np.isfinite(values)
        if finite.all():
            mean = values.mean(axis=0)
            m2 = np.square(values - mean).sum(axis=0)
            return cls(np.full(len(mean), float(len(values))), mean, m2, values.min(axis=0), values.max(axis=0))
        count = finite.sum(axis=0).astype(np.float64)
        mean = np.where(finite, values, 0).sum(axis=0) / np.maximum(count, 1)
        m2 = np.square(np.where(finite, values - mean, 0)).sum(axis=0)
        low, high = (np.where(finite, values, bound) for bound in (np.inf, -np.inf))
        return cls(count, mean, m2, low.min(axis=0), high.max(axis=0))

    def __add__(self, other: Moments) -> Moments:
        """The moments of both sets of rows together.

        Source: Chan, Golub, LeVeque, Algorithms for computing the sample variance, The American Statistician 37, 1983,
        https://doi.org/10.1080/00031305.1983.10483115
        """
        total = self.count + other.count
        safe = np.maximum(total, 1)
        delta = other.mean - self.mean
        return Moments(
            total,
            self.mean + delta * other.count / safe,
            self.m2 + other.m2 + np.square(delta) * self.count * other.count / safe,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )


def target_indices(examples: int, elements: int) -> slice:
    """Which targets of a batch of so many elements a probe hands over: all, or MAX_TARGETS of them, evenly spaced.

    The step is odd: sequences laid end to end, mostly of an even length, are not read at the same few positions.
    """
    step = max(1, math.ceil(examples / MAX_CARD_ROWS), math.ceil(elements / MAX_TARGETS))
    return slice(0, None, step + 1 - step % 2)


class InputCollector:
    """Running statistics of one input."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._dtype = ""
        self._shape: tuple[int | None, ...] = ()
        self._examples = 0
        self._nonfinite = 0
        self._integral = True
        self._moments: Moments | None = None

    def add(self, rows: Array, nonfinite: int | None = None, examples: int | None = None) -> None:
        """Take rows [examples, ...]. `nonfinite` and `examples` count over the whole batch, if more is known."""
        rows = np.asarray(rows)
        self._dtype = self._dtype or str(rows.dtype)
        self._shape = rows.shape[1:] if not self._examples else _common(self._shape, rows.shape[1:])
        self._examples += examples if examples is not None else len(rows)
        if nonfinite is None:
            nonfinite = int((~np.isfinite(rows)).sum()) if rows.dtype.kind in "fc" else 0
        self._nonfinite += nonfinite
        self._take(_columns(rows))

    def _take(self, values: Array) -> None:
        if self._moments is not None:  # sequences of varying length: the columns that all have
            values = values[:, : len(self._moments.mean)]
            if values.shape[1] < len(self._moments.mean):
                return
        if not values.size:
            return
        moments = Moments.of(values)
        self._moments = moments if self._moments is None else self._moments + moments
        whole = values if self._integral else values[:0]
        self._integral = bool((np.isnan(whole) | (whole == np.round(whole))).all()) and self._integral

    def card(self) -> InputCard:
        """The statistics so far."""
        about = (self.name, self._dtype, self._shape, self._examples)
        if self._moments is None or not self._moments.count.sum():
            return InputCard(*about, None, None, None, None, self._nonfinite, False, 0, 0, None)
        each = self._moments
        total = each.count.sum()
        mean = float((each.mean * each.count).sum() / total)
        variance = float((each.m2 + np.square(each.mean - mean) * each.count).sum() / total)
        deviations = np.sqrt(each.m2 / np.maximum(each.count, 1))
        return InputCard(
            *about,
            minimum=float(each.low.min()),
            maximum=float(each.high.max()),
            mean=mean,
            std=math.sqrt(max(variance, 0.0)),
            nonfinite=self._nonfinite,
            integral=self._integral,
            columns=len(each.mean),
            constant_columns=int(((each.count >= 2) & (each.low == each.high)).sum()),
            column_scale=(float(deviations.min()), float(np.median(deviations)), float(deviations.max())),
        )


class DataCollector:
    """Gathers the DataCard of one training, and the scalars of a step that are about its batch."""

    def __init__(self) -> None:
        self._inputs: dict[str, InputCollector] = {}
        self._targets: dict[int, list[Array]] = {}
        self._target_examples: Counter[int] = Counter()
        self._rows: list[tuple[int, Array, Array, Array]] = []

    def add_input(self, name: str, rows: Array, nonfinite: int | None = None, examples: int | None = None) -> None:
        """Take rows of an input. See InputCollector.add."""
        self._inputs.setdefault(name, InputCollector(name)).add(rows, nonfinite, examples)

    def add_target(self, objective: int, rows: Array, examples: int | None = None) -> None:
        """Take target rows [examples, ...] of an objective."""
        kept = self._targets.setdefault(objective, [])
        self._target_examples[objective] += examples if examples is not None else len(rows)
        kept.append(np.array(rows))
        while len(kept) > 1 and sum(len(block) for block in kept) > MAX_CARD_ROWS:
            kept.pop(0)

    def add_rows(self, step: int, inputs: Array, targets: Array, predictions: Array) -> None:
        """Take rows of the first input with their targets and predictions, [examples, ...] each."""
        count = min(len(inputs), len(targets), len(predictions))
        if not count:
            return
        block = (
            step,
            _columns(inputs[:count], SAMPLE_COLUMNS),
            np.array(targets[:count]),
            np.array(predictions[:count]),
        )
        if self._rows and any(a.shape[1:] != b.shape[1:] for a, b in zip(self._rows[-1][1:], block[1:], strict=True)):
            self._rows.clear()
        self._rows.append(block)
        while len(self._rows) > 1 and sum(len(rows) for _, rows, _, _ in self._rows) > SAMPLE_ROWS:
            self._rows.pop(0)

    def sample(self) -> Sample | None:
        """The latest rows."""
        if not self._rows:
            return None
        steps = np.concatenate([np.full(len(rows), step, np.int64) for step, rows, _, _ in self._rows])
        columns = [np.concatenate([row[at] for row in self._rows]).astype(np.float64) for at in (1, 2, 3)]
        return Sample(steps, *columns)

    def card(self, loss: Loss | None = None, units: int | None = None) -> DataCard:
        """The DataCard so far. `loss` and `units` (of the first objective) give the trivial baselines their meaning."""
        targets = {key: np.concatenate(_same_shape(blocks)) for key, blocks in self._targets.items()}
        cards = tuple(target_card(targets[key], self._target_examples[key]) for key in sorted(targets))
        baseline_loss = baseline_accuracy = None
        if 0 in targets and cards:
            baseline_accuracy = _majority(cards[0], targets[0], loss)
            if loss is not None:
                baseline_loss = constant_loss(targets[0], cards[0].encoding, loss, units)
        return DataCard(tuple(each.card() for each in self._inputs.values()), cards, baseline_loss, baseline_accuracy)


def target_card(targets: Array, examples: int | None = None) -> TargetCard:
    """Statistics of targets [examples, ...]."""
    values = np.asarray(targets)
    flat = values.astype(np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    encoding = target_encoding(values)
    return TargetCard(
        dtype=str(values.dtype),
        shape=values.shape[1:],
        examples=examples if examples is not None else len(values),
        encoding=encoding,
        minimum=float(finite.min()) if finite.size else None,
        maximum=float(finite.max()) if finite.size else None,
        mean=float(finite.mean()) if finite.size else None,
        std=float(finite.std()) if finite.size else None,
        nonfinite=int(flat.size - finite.size),
        counts=_counts(values, encoding),
    )


def target_encoding(targets: Array) -> str:
    """Name the encoding of targets [examples, ...]; see TargetCard."""
    values = np.asarray(targets)
    if values.dtype.kind not in "biuf" or not values.size:
        return "unknown"
    numbers = values.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return "unknown"
    whole = bool((finite == np.round(finite)).all())
    bounded = bool(finite.min() >= 0 and finite.max() <= 1)
    wide = values.ndim >= 2 and values.shape[-1] > 1
    if wide and bounded:
        sums = numbers.sum(axis=-1)
        if np.allclose(sums, 1, atol=1e-3):
            return "one-hot" if whole else "probabilities"
        return "multi-hot" if whole else "unit-interval"
    if whole and bounded:
        return "binary"
    if whole and (values.dtype.kind != "f" or _few_distinct(finite)):
        return "class-index"
    return "unit-interval" if bounded else "continuous"


def _few_distinct(values: Array) -> bool:
    """Whole numbers stored as floats are classes if there are few of them, each seen several times."""
    distinct = np.unique(values)
    return len(distinct) <= 64 and values.min() >= -1 and len(distinct) * 2 <= len(values)


def _counts(values: Array, encoding: str) -> tuple[tuple[int, int], ...]:
    if encoding in ("one-hot", "multi-hot", "probabilities"):
        totals = values.reshape(-1, values.shape[-1]).sum(axis=0)
        return tuple((column, int(total)) for column, total in enumerate(totals[:1000]))
    if encoding in ("binary", "class-index"):
        distinct, counts = np.unique(values[np.isfinite(values.astype(np.float64))], return_counts=True)
        return tuple((int(value), int(count)) for value, count in zip(distinct[:1000], counts, strict=False))
    return ()


def _majority(card: TargetCard, targets: Array, loss: Loss | None) -> float | None:
    """The best accuracy of a constant answer, as `batch_accuracy` counts it: by unit for yes and no, else by class."""
    if loss is not None and loss.kind == "binary-cross-entropy" and card.encoding in ("binary", "one-hot", "multi-hot"):
        yes = targets.reshape(-1, targets.shape[-1]).mean(axis=0) if targets.ndim > 1 else targets.mean(keepdims=True)
        return float(np.maximum(yes, 1 - yes).mean())
    total = sum(count for _, count in card.counts)
    if card.encoding == "multi-hot" or not total:
        return None
    return max(count for _, count in card.counts) / total


def constant_loss(targets: Array, encoding: str, loss: Loss, units: int | None) -> float | None:
    """The loss of the best prediction that ignores its input, for mean-reduced losses.

    None if it is not known, or if all targets are the same, so that ignoring the input costs nothing.
    """
    if loss.reduction != "mean" or loss.weighted:
        return None
    values = np.asarray(targets).astype(np.float64)
    if loss.ignore_index is not None and loss.targets == "class-index":
        values = values[values != loss.ignore_index]
    if not np.isfinite(values).all() or not values.size or (values == values.flat[0]).all():
        return None
    if loss.kind in ("cross-entropy", "negative-log-likelihood"):
        shares = _class_shares(values, encoding, loss)
        if shares is None:
            return None
        classes = max(units or 0, len(shares), 2)
        smooth = np.zeros(classes)
        smooth[: len(shares)] = shares
        smooth = smooth * (1 - loss.label_smoothing) + loss.label_smoothing / classes
        return _entropy(smooth)
    columns = values.reshape(-1, values.shape[-1]) if values.ndim >= 2 else values.reshape(-1, 1)
    if loss.kind == "binary-cross-entropy" and values.min() >= 0 and values.max() <= 1:
        return float(np.mean([_entropy(np.array([p, 1 - p])) for p in columns.mean(axis=0)]))
    if loss.kind == "mean-squared-error":
        return float(columns.var(axis=0).mean())
    if loss.kind == "mean-absolute-error":
        return float(np.abs(columns - np.median(columns, axis=0)).mean())
    return None


def _class_shares(values: Array, encoding: str, loss: Loss) -> Array | None:
    if loss.targets == "one-hot" and values.ndim >= 2 and values.min() >= 0:
        shares = values.reshape(-1, values.shape[-1]).mean(axis=0)
        return np.asarray(shares) if abs(shares.sum() - 1) < 1e-3 else None
    if (
        loss.targets == "class-index"
        and encoding in ("class-index", "binary")
        and values.min() >= 0
        and values.max() < 1e6
    ):
        counts = np.bincount(values.astype(np.int64).ravel())
        return np.asarray(counts / counts.sum())
    return None


def _entropy(shares: Array) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())


def _columns(rows: Array, most: int = MAX_COLUMNS) -> Array:
    flat = np.asarray(rows).reshape(len(rows), -1)
    flat = flat[:, :: max(1, math.ceil(flat.shape[1] / most))] if flat.shape[1] else flat
    return flat.astype(np.float64)


def _common(a: tuple[int | None, ...], b: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return tuple(x if x == y else None for x, y in zip(a, b, strict=True)) if len(a) == len(b) else a


def _same_shape(blocks: Sequence[Array]) -> list[Array]:
    last = blocks[-1].shape[1:]
    same = [block for block in blocks if block.shape[1:] == last]
    return same or [blocks[-1]]
