"""Tensor statistics as trace.definitions defines them, computed where the tensors live, by Keras's own operations.

Samples of all tensors of a step are gathered, and their statistics computed together, row by row of a few matrices: a
statistic costs a few operations for a whole model, to run and, on jax and tensorflow, to compile.

The device computes numbers that are finite unless they overflow; :func:`decoded` turns them into the defined statistics,
with NaN where there is nothing to tell. So a program that checks every operation for NaN is not stopped by ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras import ops

from deeplocalize.trace.data import MAX_ROWS
from deeplocalize.trace.definitions import (
    MAX_ELEMENTS,
    MIN_EXAMPLES,
    SATURATION,
    element_stride,
    example_stride,
    inner_stride,
)

Tensor = Any
"""A tensor of the backend; on tensorflow and jax usually a symbolic one."""

Key = tuple[str, int, str]
"""(role, index of the layer, statistic)."""

LARGEST = 3.0e38
"""Stands for infinity in float32 where a minimum or maximum has nothing to look at."""

REST = ".rest"
"""Ends the role of a sample of which only the elements that are not finite count: those of a layer's biases and the like."""

ROW_STATS = ("finite", "read", "scale", "mean", "rms", "min", "max", "zeros")


class Samples:
    """Flat samples of tensors, by role and layer, of which :meth:`numbers` computes the statistics."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], tuple[Tensor, int]] = {}

    def add(self, role: str, layer: int, flat: Tensor, most: int | None = None) -> None:
        """Take a sample; `most` is an upper bound of its length where that is not known yet."""
        self._rows[role, layer] = (ops.cast(flat, "float32"), flat.shape[0] or most or MAX_ELEMENTS)

    def numbers(self) -> list[tuple[list[Key], Tensor]]:
        """ROW_STATS of every sample: for each group of samples the names of the numbers, and the numbers."""
        groups: dict[int, list[tuple[str, int]]] = {}
        for key, (_, length) in self._rows.items():
            groups.setdefault(math.ceil(math.log(max(length, 2), 4)), []).append(key)
        return [self._group(keys) for keys in groups.values()]

    def _group(self, keys: list[tuple[str, int]]) -> tuple[list[Key], Tensor]:
        flats = [self._rows[key][0] for key in keys]
        lengths = [ops.shape(flat)[0] for flat in flats]
        static = all(isinstance(length, int) for length in lengths)
        width = max(lengths) if static else ops.max(ops.stack(lengths))
        padded = [
            flat if static and length == width else ops.pad(flat, [[0, width - length]])
            for flat, length in zip(flats, lengths, strict=True)
        ]
        numbers = _row_stats(
            ops.stack(padded), ops.cast(ops.stack([ops.convert_to_tensor(each) for each in lengths]), "int32")
        )
        return [(role, layer, stat) for stat in ROW_STATS for role, layer in keys], ops.reshape(numbers, [-1])


def _row_stats(rows: Tensor, lengths: Tensor) -> Tensor:
    """ROW_STATS of rows [samples, elements] of which only the first `lengths` elements count."""
    counted = ops.arange(ops.shape(rows)[1], dtype="int32")[None, :] < lengths[:, None]
    finite = ops.logical_and(ops.isfinite(rows), counted)
    low = ops.min(ops.where(finite, rows, LARGEST), axis=1)
    high = ops.max(ops.where(finite, rows, -LARGEST), axis=1)
    scale = ops.maximum(ops.abs(low), ops.abs(high))
    unit = ops.where(finite, rows, 0.0) / ops.where(scale > 0, scale, 1.0)[:, None]  # so that no square overflows
    count = _total(finite, axis=1)
    safe = ops.maximum(count, 1.0)
    mean, rms = ops.sum(unit, axis=1) / safe, ops.sqrt(ops.sum(ops.square(unit), axis=1) / safe)
    zeros = _total(ops.logical_and(rows == 0, counted), axis=1)
    return ops.stack([count, ops.cast(lengths, "float32"), scale, mean, rms, low, high, zeros])


def units(read: Sampled, nonlinearity: str | None, channel_axis: int) -> dict[str, Tensor]:
    """dead, saturated and spread of an activation; see trace.definitions."""
    values = ops.cast(read.examples, "float32")
    axis = channel_axis % len(values.shape)
    others = [each for each in range(len(values.shape)) if each != axis]
    found = {"dead": _share(ops.all(values == 0, axis=others)), "examples": ops.cast(ops.shape(values)[0], "float32")}
    if nonlinearity in SATURATION:
        low, high = SATURATION[nonlinearity]
        found["saturated"] = _share(ops.all(ops.logical_or(values <= low, values >= high), axis=others))
    sample = ops.cast(read.elements, "float32")
    finite = ops.where(ops.isfinite(sample), sample, 0.0)
    found["spread"] = ops.sqrt(ops.mean(ops.var(finite, axis=0)))
    return found


class Sampled(NamedTuple):
    """What statistics read of an activation or a gradient at one.

    Attributes:
        examples: every `example_stride`-th example.
        elements: every `inner_stride`-th element of these, [examples, elements].
        whole: these are all elements there are.
        most: so many elements there can be at most.
    """

    examples: Tensor
    elements: Tensor
    whole: bool
    most: int


def sampled(values: Tensor) -> Sampled:
    """What is read of values [examples, ...]."""
    shape = ops.shape(values)
    if not _known(shape[1:]):
        return Sampled(values, values, True, MAX_ELEMENTS)
    each, inner = math.prod(shape[1:]), inner_stride((1, *shape[1:]))
    wanted = max(MIN_EXAMPLES, math.ceil(MAX_ELEMENTS / max(1, each)))
    if _known(shape):
        stride = example_stride(tuple(shape))
        read, whole = values[::stride] if stride > 1 else values, stride == 1
    else:
        read, whole = _strided(values, ops.maximum(1, shape[0] // wanted)), False
    taken = read if inner == 1 else ops.reshape(read, [-1, each])[:, ::inner]
    return Sampled(read, taken, whole and inner == 1, 2 * wanted * math.ceil(each / inner))


def _known(shape: Sequence[Any]) -> bool:
    return all(isinstance(size, int) for size in shape)


def sampled_parameter(values: Tensor) -> Tensor:
    """The elements of a parameter that statistics read, flat."""
    return ops.reshape(values, [-1])[:: element_stride(math.prod(values.shape))]


def sampled_rows(values: Tensor) -> Tensor:
    """The examples that `data.row_indices` chooses."""
    examples = ops.shape(values)[0]
    if isinstance(examples, int):
        return values[:: max(1, math.ceil(examples / MAX_ROWS))]
    return _strided(values, ops.maximum(1, (examples + MAX_ROWS - 1) // MAX_ROWS))


def _strided(values: Tensor, stride: Tensor) -> Tensor:
    """Every `stride`-th example; tensorflow forgets the shape when the stride is known only when it runs."""
    taken = values[::stride]
    taken.set_shape((None, *values.shape[1:]))
    return taken


def count_nonfinite(values: Tensor) -> Tensor:
    """Exact number of NaN and infinite elements."""
    return _total(ops.logical_not(ops.isfinite(values)))


def squared_norm(tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    """The sum of squares over all finite elements is `scale`^2 * `sum`; so that it cannot overflow."""
    finite = [ops.where(ops.isfinite(each), ops.cast(each, "float32"), 0.0) for each in tensors]
    scale = ops.max(ops.stack([ops.max(ops.abs(each)) for each in finite]))
    safe = ops.where(scale > 0, scale, 1.0)
    return {"scale": scale, "sum": sum(ops.sum(ops.square(each / safe)) for each in finite)}


def _total(flags: Tensor, axis: int | None = None) -> Tensor:
    return ops.sum(ops.cast(flags, "float32"), axis=axis)


def _share(flags: Tensor) -> Tensor:
    return ops.mean(ops.cast(flags, "float32"))


def decoded(raw: Mapping[str, float], factor: float = 1.0) -> dict[str, float]:
    """The defined statistics from what the device computed, on the host. `factor` multiplies the values."""
    scale, read = raw["scale"] * factor, raw["read"]
    stats = {"nonfinite": raw.get("nonfinite", read - raw["finite"]) + raw.get("more nonfinite", 0.0)}
    if read:
        stats["zeros"] = raw["zeros"] / read
    if raw["finite"]:
        stats |= {"mean": raw["mean"] * scale, "rms": raw["rms"] * scale}
        stats |= {"min": raw["min"] * factor, "max": raw["max"] * factor}
    stats |= {name: raw[name] for name in ("dead", "saturated") if name in raw}
    if "spread" in raw and raw["examples"] >= 2 and raw["finite"] == read and math.isfinite(raw["spread"]):
        stats["spread"] = raw["spread"]
    return stats
