"""Algorithm 1 of the ICSE 2021 paper as published, over our traces: the baseline to beat, kept honest.

After each mini-batch the algorithm looks at one point after another: every layer's output before and after its
activation, the loss, the accuracy, whether the model learns, every layer's gradient from the last to the first, and every
layer's weights. At the first point that it finds wrong it stops with a message. ANA, its test of a point, looks at the mean
of the tensor: is it NaN or infinite; has it been exactly zero in too large a share of the iterations; has it been the same
for a whole window.

Two forms are kept apart: the paper's, and that of the callback its authors released. Where a recorded tensor is partly
NaN, its mean is NaN here, as it would be for them. The mean itself is that of our trace: over at most 16,384 elements.

Wardat, Le, Rajan: DeepLocalize, ICSE 2021. https://arxiv.org/abs/2103.03376
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from deeplocalize.trace.schema import FloatArray, Layer, Trace


class Message(NamedTuple):
    """What the algorithm says: the message, the layer it says it of (None: of none), and the step."""

    message: str
    layer: int | None
    step: int


@dataclass(frozen=True)
class Parameters:
    """One form of the algorithm.

    Attributes:
        window: N, how many iterations back "does not change" looks.
        zero_share: a mean that was zero in this share of the iterations is an error.
        of_all: the share is of all iterations of the training; otherwise of those so far.
        all_equal: no change means that all of the window are equal; otherwise that its mean is its maximum.
        slope: "does not learn" goes by slopes of loss and accuracy; otherwise by either being the same over the window.
        before: also look at outputs before the activation.
        dense_only: look at gradients and weights of dense layers alone.
    """

    window: int
    zero_share: float
    of_all: bool
    all_equal: bool
    slope: bool
    before: bool
    dense_only: bool


PAPER = Parameters(window=50, zero_share=0.25, of_all=True, all_equal=True, slope=True, before=True, dense_only=False)
RELEASED = Parameters(
    window=5, zero_share=0.5, of_all=False, all_equal=False, slope=False, before=False, dense_only=True
)
FORMS = {"icse21-paper": PAPER, "icse21-released": RELEASED}
CORRECT = "CM"


def diagnose(trace: Trace, form: Parameters) -> Message:
    """Run the algorithm over a trace in which every step was recorded. CM at the last step if nothing is wrong."""
    probes = _Probes(trace, form)
    for row, step in enumerate(trace.sampled):
        for message, layer in probes.errors(row):
            return Message(message, layer, int(step))
    return Message(CORRECT, None, int(trace.steps[-1]) if len(trace.steps) else 0)


class _Probes:
    """The points of a trace in the algorithm's order, with what it remembers of each."""

    def __init__(self, trace: Trace, form: Parameters) -> None:
        self._form = form
        self._layers = trace.layers
        self._iterations = len(trace.sampled)
        self._means = {
            role: _means(trace, role)
            for role in ("preactivation", "activation", "activation_gradient", "weight", "weight_gradient")
        }
        at_samples = np.searchsorted(trace.steps, trace.sampled)
        self._loss = np.where(trace.scalar("loss.nonfinite")[at_samples] > 0, np.nan, trace.scalar("loss")[at_samples])
        self._has_loss = np.isfinite(trace.scalar("loss")).any() or (trace.scalar("loss.nonfinite") > 0).any()
        self._accuracy = _accuracy(trace)[at_samples]
        self._points: dict[tuple[str, int], _Point] = {}

    def errors(self, row: int) -> Iterator[tuple[str, int | None]]:
        """The messages of one iteration, in order; only the first is heard."""
        for layer in self._layers:
            if self._form.before and self._wrong("preactivation", layer, row):
                yield "EBA", layer.index
            if self._wrong("activation", layer, row):
                yield "EAA", layer.index
        yield from self._of_the_whole(row)
        for layer in reversed(self._layers):
            if self._examines_weights(layer) and self._wrong("activation_gradient", layer, row):
                yield "EBDW", layer.index
            if self._examines_weights(layer) and self._wrong("weight_gradient", layer, row):
                yield "EBDW", layer.index
        for layer in self._layers:
            if self._examines_weights(layer) and self._wrong("weight", layer, row):
                yield "EBW", layer.index

    def _of_the_whole(self, row: int) -> Iterator[tuple[str, None]]:
        if self._has_loss and not math.isfinite(self._loss[row]):
            yield "ELF", None
        if self._accuracy_is_wrong(row):
            yield "EAF", None
        if self._does_not_learn(row):
            yield "MDL", None

    def _accuracy_is_wrong(self, row: int) -> bool:
        """ANA without its test for change, which is MDL's business."""
        if math.isnan(self._accuracy[row]):
            return False  # not recorded
        point = self._points.setdefault(("accuracy", -1), _Point(self._form, self._iterations))
        return point.is_wrong(float(self._accuracy[row]), row, may_rest=True)

    def _examines_weights(self, layer: Layer) -> bool:
        return layer.parameters > 0 and (layer.kind == "dense" or not self._form.dense_only)

    def _wrong(self, role: str, layer: Layer, row: int) -> bool:
        mean = self._means[role][row, layer.index]
        if math.isnan(mean):
            return False  # not recorded, as there is no such tensor
        point = self._points.setdefault((role, layer.index), _Point(self._form, self._iterations))
        return point.is_wrong(float(mean), row)

    def _does_not_learn(self, row: int) -> bool:
        """The paper: over a window the loss did not fall and the accuracy did not rise. Released: either is constant."""
        form, window = self._form, self._form.window
        if row < window:
            return False
        loss, accuracy = self._loss[row - window : row + 1], self._accuracy[row - window : row + 1]
        if not form.slope:
            return any(len(set(each[1:])) == 1 for each in (loss, accuracy) if np.isfinite(each[1:]).all())
        falls = loss[-1] < loss[0]
        rises = accuracy[-1] > accuracy[0]
        return bool(np.isfinite(loss).all() and not falls and not rises)


class _Point:
    """ANA: what is remembered of one probe point, and the verdict on its next mean."""

    def __init__(self, form: Parameters, iterations: int) -> None:
        self._form = form
        self._iterations = iterations
        self._zeros = 0
        self._recent: deque[float] = deque(maxlen=form.window)

    def is_wrong(self, mean: float, row: int, may_rest: bool = False) -> bool:
        """True if the mean is not finite, was zero too often, or (unless it may) has not changed for a window."""
        if not math.isfinite(mean):
            return True
        if mean == 0:
            self._zeros += 1
            if self._zeros >= self._form.zero_share * (self._iterations if self._form.of_all else row + 1):
                return True
        self._recent.append(mean)
        return not may_rest and len(self._recent) == self._form.window and self._unchanged()

    def _unchanged(self) -> bool:
        recent = list(self._recent)
        if self._form.all_equal:
            return min(recent) == max(recent)
        return float(np.mean(np.array(recent, np.float32), dtype=np.float32)) == float(np.float32(max(recent)))


def _means(trace: Trace, role: str) -> FloatArray:
    """The mean of each layer's tensor in each recorded step [samples, layers], infinite where not all of it is finite.

    The trace's own mean leaves out what is not finite; NaN stays for what was not recorded.
    """
    means = trace.series(role, "mean").copy()
    means[trace.series(role, "nonfinite") > 0] = np.inf
    return means


def _accuracy(trace: Trace) -> FloatArray:
    """The accuracy of each batch; where it has none, that which Keras reports at the end of an epoch."""
    own = trace.scalar("accuracy")
    return own if np.isfinite(own).any() else trace.scalar("metric.accuracy")
