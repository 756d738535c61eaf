"""Tensor statistics as trace.definitions defines them, computed where the tensor lives, by Keras's own operations.

The device computes numbers that are always finite; :func:`decoded` turns them into the defined statistics, with NaN where
there is nothing to tell. So a program that runs with checks for NaN on every operation is not stopped by ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras import ops

from deeplocalize.trace.data import MAX_ROWS
from deeplocalize.trace.definitions import MAX_ELEMENTS, MIN_EXAMPLES, SATURATION, element_stride, example_stride

Tensor = Any
"""A tensor of the backend; on tensorflow and jax usually a symbolic one."""

Stats = dict[str, Tensor]

LARGEST = 3.0e38
"""Stands for infinity in float32 where a minimum or maximum has nothing to look at."""


def activation(values: Tensor, nonlinearity: str | None, channel_axis: int) -> Stats:
    """Statistics of an activation [examples, ...]; see definitions.activation_stats."""
    read = sampled_examples(values)
    stats = _basic(read, [values])
    return stats | _units(read, nonlinearity, channel_axis, stats) if len(values.shape) >= 2 else stats


def plain(values: Tensor) -> Stats:
    """The same for a preactivation or a gradient, of which dead and saturated units and spread say nothing."""
    return _basic(sampled_examples(values), [values])


def parameters(read: Sequence[Tensor], every: Sequence[Tensor]) -> Stats:
    """Statistics over flat samples of a layer's kernels together; `every` are the tensors whose non-finite elements count."""
    return _basic(ops.concatenate([ops.cast(sample, "float32") for sample in read]), every)


def sampled_parameter(values: Tensor) -> Tensor:
    """The elements of a parameter that statistics read, flat."""
    return ops.reshape(values, [-1])[:: element_stride(math.prod(values.shape))]


def sampled_examples(values: Tensor) -> Tensor:
    """Every `example_stride`-th example, also where the number of examples is not known before the program runs."""
    shape = ops.shape(values)
    if not shape:
        return values
    if all(isinstance(size, int) for size in shape):
        return values[:: example_stride(tuple(shape))]
    each = math.prod(shape[1:]) if all(isinstance(size, int) for size in shape[1:]) else ops.prod(ops.stack(shape[1:]))
    wanted = ops.maximum(MIN_EXAMPLES, (MAX_ELEMENTS + each - 1) // ops.maximum(each, 1))
    return values[:: ops.maximum(1, shape[0] // wanted)]


def sampled_rows(values: Tensor) -> Tensor:
    """The examples that `data.row_indices` chooses."""
    examples = ops.shape(values)[0]
    if isinstance(examples, int):
        return values[:: max(1, math.ceil(examples / MAX_ROWS))]
    return values[:: ops.maximum(1, (examples + MAX_ROWS - 1) // MAX_ROWS)]


def count_nonfinite(values: Tensor) -> Tensor:
    """Exact number of NaN and infinite elements."""
    return _total(ops.logical_not(ops.isfinite(values)))


def squared_norm(tensors: Sequence[Tensor]) -> Stats:
    """The sum of squares over all finite elements, as `scale`^2 * `sum`, so that it cannot overflow."""
    finite = [ops.where(ops.isfinite(each), ops.cast(each, "float32"), 0.0) for each in tensors]
    scale = ops.max(ops.stack([ops.max(ops.abs(each)) for each in finite]))
    safe = ops.where(scale > 0, scale, 1.0)
    return {"scale": scale, "sum": sum(ops.sum(ops.square(each / safe)) for each in finite)}


def _basic(read: Tensor, exact: Sequence[Tensor]) -> Stats:
    flat = ops.reshape(ops.cast(read, "float32"), [-1])
    finite = ops.isfinite(flat)
    count = ops.maximum(_total(finite), 1.0)
    low, high = ops.min(ops.where(finite, flat, LARGEST)), ops.max(ops.where(finite, flat, -LARGEST))
    scale = ops.maximum(ops.abs(low), ops.abs(high))
    unit = ops.where(finite, flat, 0.0) / ops.where(scale > 0, scale, 1.0)  # so that no square overflows
    return {
        "nonfinite": sum(count_nonfinite(each) for each in exact),
        "finite": _total(finite),
        "read": _total(ops.ones_like(flat)),
        "scale": scale,
        "mean": ops.sum(unit) / count,
        "rms": ops.sqrt(ops.sum(ops.square(unit)) / count),
        "min": low,
        "max": high,
        "zeros": _total(flat == 0),
    }


def _units(read: Tensor, nonlinearity: str | None, channel_axis: int, stats: Stats) -> Stats:
    values = ops.cast(read, "float32")
    axis = channel_axis % len(values.shape)
    others = [each for each in range(len(values.shape)) if each != axis]
    found = {"dead": _share(ops.all(values == 0, axis=others))}
    if nonlinearity in SATURATION:
        low, high = SATURATION[nonlinearity]
        flat = ops.logical_or(values <= low, values >= high)
        found["saturated"] = _share(ops.all(flat, axis=others))
    scale = stats["scale"]
    finite = ops.where(ops.isfinite(values), values, 0.0) / ops.where(scale > 0, scale, 1.0)
    found["spread"] = ops.sqrt(ops.mean(ops.var(finite, axis=0)))
    found["examples"] = ops.cast(ops.shape(values)[0], "float32")
    return found


def _total(flags: Tensor) -> Tensor:
    return ops.sum(ops.cast(flags, "float32"))


def _share(flags: Tensor) -> Tensor:
    return ops.mean(ops.cast(flags, "float32"))


def decoded(raw: Mapping[str, float], factor: float = 1.0) -> dict[str, float]:
    """The defined statistics from what the device computed, on the host. `factor` multiplies the values."""
    scale, read = raw["scale"] * factor, max(raw["read"], 1.0)
    stats = {"nonfinite": raw["nonfinite"], "zeros": raw["zeros"] / read}
    if raw["finite"]:
        stats |= {"mean": raw["mean"] * scale, "rms": raw["rms"] * scale}
        stats |= {"min": raw["min"] * factor, "max": raw["max"] * factor}
    stats |= {name: raw[name] for name in ("dead", "saturated") if name in raw}
    if "spread" in raw and raw["examples"] >= 2 and raw["finite"] == raw["read"]:
        stats["spread"] = raw["spread"] * scale
    return stats
