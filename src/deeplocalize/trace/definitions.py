"""What each statistic means, in plain numpy, and when a step is recorded.

Probes compute the same quantities with their framework's own operations, on its device; the tests compare them with
these functions. So this module is the definition, and it is also used directly wherever the values are in numpy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

MAX_ELEMENTS = 1 << 14
"""Statistics other than counts of non-finite elements and shares of units read at most about this many elements of a tensor."""

MIN_EXAMPLES = 8
"""No fewer examples than this are read, so that a statement about "every example" keeps its meaning."""

SATURATION = {
    # The flat part of a nonlinearity: the output is within 1 % of its range of an asymptote. There the derivative of
    # sigmoid is below 0.0099 and that of tanh below 0.0396: a twenty-fifth of the largest or less.
    "sigmoid": (0.01, 0.99),
    "tanh": (-0.98, 0.98),
    "hard_sigmoid": (0.01, 0.99),
    "softsign": (-0.98, 0.98),
    "hard_tanh": (-0.98, 0.98),
}


def example_stride(shape: tuple[int, ...]) -> int:
    """Every how many examples (first axis) statistics read, for an activation of this shape."""
    if not shape or shape[0] <= MIN_EXAMPLES:
        return 1
    size = math.prod(shape)
    if size <= MAX_ELEMENTS:
        return 1
    wanted = max(MIN_EXAMPLES, math.ceil(shape[0] * MAX_ELEMENTS / size))
    return max(1, shape[0] // wanted)


def inner_stride(shape: tuple[int, ...]) -> int:
    """Every how many elements of each example statistics of values read, for an activation of this shape.

    Shares of units read all elements of an example. The stride is odd: one that is in step with a power of two would read
    the same few units at every position.
    """
    stride = max(1, math.prod(shape[1:]) * MIN_EXAMPLES // MAX_ELEMENTS)
    return stride - 1 + stride % 2


def element_stride(size: int) -> int:
    """Every how many elements of the flattened tensor statistics read, for a parameter of this size."""
    return max(1, size // MAX_ELEMENTS)


def tensor_stats(values: Array) -> dict[str, float]:
    """nonfinite, mean, rms, min, max and zeros of a tensor; NaN where no finite element is left."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    stats = {"nonfinite": float(flat.size - finite.size), "zeros": float((flat == 0).mean()) if flat.size else math.nan}
    if not finite.size:
        return stats | dict.fromkeys(("mean", "rms", "min", "max"), math.nan)
    return stats | {
        "mean": float(finite.mean()),
        "rms": float(np.sqrt(np.square(finite).mean())),
        "min": float(finite.min()),
        "max": float(finite.max()),
    }


def units_last(values: Array, channel_axis: int = -1) -> Array:
    """Bring an activation [examples, ..., units, ...] to [examples, positions, units]."""
    moved = np.moveaxis(np.asarray(values), channel_axis, -1)
    return moved.reshape(moved.shape[0], -1, moved.shape[-1]) if moved.ndim > 1 else moved.reshape(-1, 1, 1)


def dead(values: Array, channel_axis: int = -1) -> float:
    """Share of units that are zero for every example (and position) of the batch."""
    return float((units_last(values, channel_axis) == 0).all(axis=(0, 1)).mean())


def saturated(values: Array, activation: str | None, channel_axis: int = -1) -> float:
    """Share of units in the flat part of their nonlinearity for every example and position.

    NaN for a nonlinearity without two flat sides (see SATURATION).
    """
    if activation not in SATURATION:
        return math.nan
    low, high = SATURATION[activation]
    units = units_last(values, channel_axis)
    return float(((units <= low) | (units >= high)).all(axis=(0, 1)).mean())


def spread(values: Array) -> float:
    """RMS over units and positions of the (population) standard deviation over the examples; NaN for one example."""
    units = np.asarray(values, np.float64)
    if len(units) < 2:
        return math.nan
    with np.errstate(invalid="ignore", over="ignore"):
        return float(np.sqrt(units.var(axis=0).mean()))


def values_stats(values: Array) -> dict[str, float]:
    """Statistics of an activation, or a gradient at one, [examples, ...]: the nonfinite count over all of it, the rest over
    every `inner_stride`-th element of every `example_stride`-th example."""
    return tensor_stats(_sampled(values)) | {"nonfinite": float((~np.isfinite(values)).sum())}


def activation_stats(values: Array, activation: str | None, channel_axis: int = -1) -> dict[str, float]:
    """All statistics of an activation [examples, ...]: those of its values, the spread over the same sample, and shares of
    units over the whole of every `example_stride`-th example."""
    stats = values_stats(values)
    if values.ndim >= 2:
        read = values[:: example_stride(values.shape)]
        stats["dead"] = dead(read, channel_axis)
        stats["saturated"] = saturated(read, activation, channel_axis)
        stats["spread"] = spread(_sampled(values))
    return stats


def _sampled(values: Array) -> Array:
    if values.ndim < 2:
        return values[:: example_stride(values.shape)] if values.ndim else values
    read = values[:: example_stride(values.shape)]
    return read.reshape(len(read), -1)[:, :: inner_stride(values.shape)]


@dataclass
class Schedule:
    """Which steps to record: every step at first, then ever fewer, so that a run of any length costs little.

    After step `dense` the gap between recorded steps grows as step / dense, so a run of n steps records about
    dense * (1 + ln(n / dense)) of them, and every stretch of the run is seen at the same relative resolution.
    """

    dense: int
    next: int = 0

    def due(self, step: int) -> bool:
        """True if this step is to be recorded. Ask once for each step, in ascending order."""
        if step < self.next:
            return False
        self.next = step + max(1, step // self.dense)
        return True


LAYERS_DENSE = 10
SCALARS_DENSE = 10_000
