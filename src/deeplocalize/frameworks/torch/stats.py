"""Tensor statistics as trace.definitions defines them, computed where the tensor lives."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from deeplocalize.trace.definitions import SATURATION, element_stride, example_stride, inner_stride
from deeplocalize.trace.schema import TENSOR_STATS

STAT_COUNT = len(TENSOR_STATS)
BLANK = (math.nan,) * STAT_COUNT
FLOAT32_SAFE = 1e18
"""Below this magnitude the square of a float32 number is finite, with room for a sum over 65,536 of them."""

Row = tuple[float, ...] | Tensor
"""The statistics of one tensor in the order of TENSOR_STATS: numbers, or a vector still on its device."""


def is_plain(value: object) -> bool:
    """True for an ordinary floating-point tensor with elements; fake, wrapped and sparse ones are left alone."""
    return (
        type(value) in (Tensor, torch.nn.Parameter)
        and value.is_floating_point()
        and value.layout is torch.strided
        and value.numel() > 0
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
    basic = _basic(sample.reshape(-1), values)
    if values.ndim < 2:
        return basic
    return _join(basic, _unit_stats(read, activation, channel_axis, sample))


def values_row(values: Tensor) -> Row:
    """The same for a preactivation or a gradient, of which dead and saturated units and spread say nothing."""
    return _basic(_sampled(values.detach())[1].reshape(-1), values)


def _sampled(values: Tensor) -> tuple[Tensor, Tensor]:
    """The examples that are read, and of them the elements that are: [examples, elements], contiguous."""
    shape = tuple(values.shape)
    read = values[:: example_stride(shape)] if shape else values
    if len(shape) < 2:
        return read, read
    return read, read.reshape(len(read), -1)[:, :: inner_stride(shape)].contiguous()


def parameter_row(read: Tensor, every: list[Tensor]) -> Row:
    """Statistics over the elements that `strided` read; the nonfinite count is over the tensors in `every`."""
    return _basic(read, *every) if read.numel() else BLANK


def strided(*tensors: Tensor) -> Tensor:
    """The elements of parameters that statistics read, as one flat copy; empty for none."""
    flats = [tensor.detach().reshape(-1) for tensor in tensors]
    views = [flat[:: element_stride(flat.numel())] for flat in flats]
    return views[0].clone() if len(views) == 1 else torch.cat(views) if views else torch.empty(0)


def _basic(read: Tensor, *exact: Tensor) -> Row:
    if read.device.type == "cpu":
        return _basic_on_cpu(read, exact)
    wide = read if read.device.type == "mps" else read.double()
    finite = torch.isfinite(wide)
    count = finite.sum()
    masked = torch.where(finite, wide, 0.0)
    blank = torch.where(count > 0, 0.0, math.nan)
    safe = count.clamp(min=1)
    stats = (
        torch.stack([(~torch.isfinite(tensor)).sum() for tensor in exact]).sum(),
        masked.sum() / safe + blank,
        (masked.square().sum() / safe).sqrt() + blank,
        torch.where(finite, wide, math.inf).min() + blank,
        torch.where(finite, wide, -math.inf).max() + blank,
        (read == 0).sum() / read.numel(),
    )
    return torch.stack([stat.to(wide.dtype) for stat in stats])


def _basic_on_cpu(read: Tensor, exact: tuple[Tensor, ...]) -> tuple[float, ...]:
    if read.dtype not in (torch.float32, torch.float64):
        read = read.float()
    nonfinite = sum(count_nonfinite(tensor) for tensor in exact)
    if nonfinite:
        read_all, read = read.numel(), read[torch.isfinite(read)]
        if not read.numel():
            return (float(nonfinite), math.nan, math.nan, math.nan, math.nan, 0.0)
    else:
        read_all = read.numel()
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


def _unit_stats(read: Tensor, activation: str | None, channel_axis: int, sample: Tensor) -> tuple[float, ...] | Tensor:
    """dead, saturated, spread; the last of a sample [examples, elements]."""
    axis = channel_axis % read.ndim if read.ndim > 1 else 0
    others = [dim for dim in range(read.ndim) if dim != axis]
    wide, sample = (each.float() if each.dtype in (torch.float16, torch.bfloat16) else each for each in (read, sample))
    if read.device.type == "cpu":
        return (*_shares_on_cpu(wide.numpy(), activation, tuple(others)), _spread_on_cpu(sample.numpy()))
    dead = _any(wide != 0, others)
    dead_share = 1 - dead.double().mean() if read.device.type != "mps" else 1 - dead.float().mean()
    if activation in SATURATION:
        low, high = SATURATION[activation]
        saturated = (~_any((wide > low) & (wide < high), others)).to(dead_share.dtype).mean()
    else:
        saturated = torch.full_like(dead_share, math.nan)
    spread = _spread(sample) if len(read) > 1 else torch.full_like(dead_share, math.nan)
    stats = torch.stack([dead_share, saturated, spread.to(dead_share.dtype)])
    return stats


def _shares_on_cpu(read: np.ndarray, activation: str | None, others: tuple[int, ...]) -> tuple[float, float]:
    dead = 1 - float(read.any(axis=others).mean())
    saturated = math.nan
    if activation in SATURATION:
        low, high = SATURATION[activation]
        saturated = 1 - float(((read > low) & (read < high)).any(axis=others).mean())
    return dead, saturated


def _spread_on_cpu(sample: np.ndarray) -> float:
    if len(sample) < 2:
        return math.nan
    with np.errstate(invalid="ignore", over="ignore"):
        centered = (sample - sample.mean(axis=0)).ravel()
        return math.sqrt(float(np.dot(centered, centered)) / centered.size)


def _spread(wide: Tensor) -> Tensor:
    """Of the first axis; var(dim=0) says the same, but takes ten times as long on a CPU."""
    return torch.linalg.vector_norm(wide - wide.mean(dim=0)) / math.sqrt(wide.numel())


def _any(condition: Tensor, dims: list[int]) -> Tensor:
    return condition.to(torch.uint8).amax(dim=dims).bool()


def _join(basic: Row, units: tuple[float, ...] | Tensor) -> Row:
    if isinstance(basic, Tensor):
        return torch.cat([basic, units])
    return basic + units


def with_count(row: Row, exact: Row) -> Row:
    """The row with another nonfinite count: that of the whole tensor, where the row is of a part of it."""
    if isinstance(row, Tensor) and isinstance(exact, Tensor):
        return torch.cat([exact.to(row.dtype), row[1:]])
    return (*exact, *row[1:])
