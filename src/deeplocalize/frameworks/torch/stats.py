"""Tensor statistics as trace.definitions defines them.

On a CPU they are computed at once. On an accelerator each operation costs a launch, and reading a number means waiting: so
there the sample that statistics read is only set aside, and what needs the whole tensor is reduced to a number or two.
`settled` computes the rest, with the same code, once everything of a step was copied to the host.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deeplocalize.trace.definitions import SATURATION, element_stride, example_stride, inner_stride
from deeplocalize.trace.names import TENSOR_STATS

STAT_COUNT = len(TENSOR_STATS)
BLANK = (math.nan,) * STAT_COUNT
FLOAT32_SAFE = 1e18
"""Below this magnitude the square of a float32 number is finite, with room for a sum over 65,536 of them."""


class Unsettled(NamedTuple):
    """The statistics of one tensor that is still on an accelerator.

    `read` is the sample, flat; `nonfinite` the exact count; `units` the shares of dead and of saturated units, none for what
    has no units; `examples` the number of examples in the sample, 0 where their spread says nothing.
    """

    read: Tensor
    nonfinite: Tensor
    units: tuple[Tensor, ...] = ()
    examples: int = 0

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that is to be copied to the host."""
        return (self.read, self.nonfinite, *self.units)


Row = tuple[float, ...] | Unsettled
"""The statistics of one tensor in the order of TENSOR_STATS; there may be fewer of them."""


def on_host(tensor: Tensor) -> bool:
    """True if reading a number of the tensor takes no waiting."""
    return tensor.device.type == "cpu"


def is_plain(value: object) -> bool:
    """True for an ordinary floating-point tensor with elements; fake, wrapped and sparse ones are left alone."""
    return (
        type(value) in (Tensor, torch.nn.Parameter)
        and value.is_floating_point()
        and value.layout is torch.strided
        and value.numel() > 0
        and not value.is_meta
    )


def first_tensor(value: object) -> Tensor | None:
    """The first ordinary tensor in what a module returned: itself, or the first in a tuple, list or dict."""
    if isinstance(value, Tensor):
        return value if is_plain(value) else None
    if isinstance(value, tuple) and value and type(value[0]) is Tensor and is_plain(value[0]):
        return value[0]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    for item in items:
        if (found := first_tensor(item)) is not None:
            return found
    return None


def activation_row(values: Tensor, activation: str | None, channel_axis: int) -> Row:
    """Statistics of an activation [examples, ...]; see definitions.activation_stats."""
    read, sample = _sampled(values.detach())
    row = _row(sample.reshape(-1), values)
    if values.ndim < 2:
        return row
    units = _unit_shares(read, activation, channel_axis)
    if isinstance(row, Unsettled):
        return row._replace(units=units, examples=len(sample))
    return (*row, *units, _spread(_wide(sample).numpy()))


def values_row(values: Tensor) -> Row:
    """The same for a preactivation or a gradient, of which dead and saturated units and spread say nothing."""
    return _row(_sampled(values.detach())[1].reshape(-1), values)


def _sampled(values: Tensor) -> tuple[Tensor, Tensor]:
    """The examples that are read, and of them the elements that are: [examples, elements], contiguous."""
    shape = tuple(values.shape)
    read = values[:: example_stride(shape)] if shape else values
    if len(shape) < 2:
        return read, read
    return read, read.reshape(len(read), -1)[:, :: inner_stride(shape)].contiguous()


def parameter_row(read: Tensor, every: list[Tensor]) -> Row:
    """Statistics over the elements that `strided` read; the nonfinite count is over the tensors in `every`."""
    return _row(read, *every) if read.numel() else BLANK


def strided(*tensors: Tensor) -> Tensor:
    """The elements of parameters that statistics read, as one flat copy; empty for none."""
    flats = [tensor.detach().reshape(-1) for tensor in tensors]
    views = [flat[:: element_stride(flat.numel())] for flat in flats]
    return views[0].clone() if len(views) == 1 else torch.cat(views) if views else torch.empty(0)


def _row(read: Tensor, *exact: Tensor) -> Row:
    if on_host(read):
        return _basic(read, sum(count_nonfinite(tensor) for tensor in exact))
    # The sample is a view where nothing is left out; the program may change that tensor in place before it is read.
    whole = any(read.data_ptr() == tensor.data_ptr() for tensor in exact)
    return Unsettled(read.clone() if whole else read, _count_on_device(exact))


def _count_on_device(tensors: tuple[Tensor, ...]) -> Tensor:
    # 0 times anything finite is 0, and NaN otherwise: two launches, where isfinite takes four.
    counts = [tensor.detach().mul(0).count_nonzero() for tensor in tensors]
    return counts[0] if len(counts) == 1 else torch.stack(counts).sum()


def settled(row: Row, host: dict[int, Tensor]) -> tuple[float, ...]:
    """A row as numbers. `host` has the copies of its tensors, flat, by the ids of the originals."""
    if not isinstance(row, Unsettled):
        return row
    read, nonfinite, *units = (host[id(each)] for each in row.tensors)
    basic = _basic(read, int(nonfinite))
    if not units:
        return basic
    spread = _spread(_wide(read).reshape(row.examples, -1).numpy())
    return (*basic, *(float(each) for each in units), spread)


def _wide(values: Tensor) -> Tensor:
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def _basic(read: Tensor, nonfinite: int) -> tuple[float, ...]:
    """nonfinite, mean, RMS, min, max, zeros of a sample of a tensor with so many elements that are not finite."""
    if read.dtype not in (torch.float32, torch.float64):
        read = read.float()
    read_all = read.numel()
    if nonfinite:
        read = read[torch.isfinite(read)]
        if not read.numel():
            return (float(nonfinite), math.nan, math.nan, math.nan, math.nan, 0.0)
    array = read.numpy()  # for so few elements a call of numpy takes a fraction of the time of one of torch
    low, high = float(array.min()), float(array.max())
    if max(-low, high) > FLOAT32_SAFE:
        array = array.astype(np.float64)
    mean = float(array.mean())
    rms = math.sqrt(float(np.dot(array, array)) / len(array))
    zeros = (len(array) - int(np.count_nonzero(array))) / read_all
    return (float(nonfinite), mean, rms, low, high, zeros)


def count_nonfinite(tensor: Tensor) -> int:
    """Exact number of NaN and infinite elements of a CPU tensor; one fast pass where there are none."""
    if math.isfinite(tensor.detach().sum(dtype=torch.float32).item()):
        return 0
    return tensor.numel() - int(torch.isfinite(tensor.detach()).sum().item())


def _unit_shares(read: Tensor, activation: str | None, channel_axis: int) -> tuple[float, ...] | tuple[Tensor, ...]:
    """Shares of dead and of saturated units."""
    axis = channel_axis % read.ndim if read.ndim > 1 else 0
    others = tuple(dim for dim in range(read.ndim) if dim != axis)
    bounds = SATURATION.get(activation or "")
    if on_host(read):
        array = _wide(read).numpy()
        dead = 1 - float(array.any(axis=others).mean())
        inside = ((array > bounds[0]) & (array < bounds[1])).any(axis=others) if bounds else None
        return dead, math.nan if inside is None else 1 - float(inside.mean())
    dead_share = 1 - _any(read != 0, others).float().mean()
    if bounds is None:
        return dead_share, dead_share.new_full((), math.nan)
    return dead_share, 1 - _any((read > bounds[0]) & (read < bounds[1]), others).float().mean()


def _any(condition: Tensor, dims: tuple[int, ...]) -> Tensor:
    return condition.to(torch.uint8).amax(dim=dims)


def _spread(sample: np.ndarray) -> float:
    if len(sample) < 2:
        return math.nan
    with np.errstate(invalid="ignore", over="ignore"):
        centered = (sample - sample.mean(axis=0)).ravel()
        return math.sqrt(float(np.dot(centered, centered)) / centered.size)


def with_count(row: Row, other: Row) -> Row:
    """The row with the nonfinite count of another: that of the whole tensor, where the row is of a part of it."""
    if isinstance(row, Unsettled) and isinstance(other, Unsettled):
        return row._replace(nonfinite=other.nonfinite)
    return (other[0], *row[1:])
