"""One step on its way from the device to the trace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deeplocalize.frameworks.torch import stats
from deeplocalize.trace.schema import TENSOR_STATS


@dataclass
class StepRecord:
    """What is known of a step; tensors in it are fetched later, several steps at once."""

    step: int
    order: str
    scalars: dict[str, Any]
    columns: dict[tuple[str, int], stats.Row]
    states: dict[str, list[float]]
    sentinels: dict[int, list[Tensor]]
    norms: tuple[list[int], list[Tensor]] | None
    sampled: bool


def tensors_of(record: StepRecord) -> list[Tensor]:
    """Everything in a record that is still on its device."""
    scalars = [each for value in record.scalars.values() for each in (value if isinstance(value, list) else [value])]
    rows = [row for row in record.columns.values() if isinstance(row, Tensor)]
    sentinels = [each for sums in record.sentinels.values() for each in sums]
    norms = record.norms[1] if record.norms else []
    return [each for each in (*scalars, *rows, *sentinels, *norms) if isinstance(each, Tensor)]


def fetch(tensors: Sequence[Tensor]) -> dict[int, list[float]]:
    """The values of tensors by their id, with one copy from each device."""
    by_device: dict[torch.device, list[Tensor]] = {}
    for tensor in tensors:
        by_device.setdefault(tensor.device, []).append(tensor)
    fetched: dict[int, list[float]] = {}
    for device, group in by_device.items():
        dtype = torch.float32 if device.type == "mps" else torch.float64
        flat = torch.cat([tensor.detach().reshape(-1).to(dtype) for tensor in group]).tolist()
        at = 0
        for tensor in group:
            fetched[id(tensor)] = flat[at : at + tensor.numel()]
            at += tensor.numel()
    return fetched


def _number(value: Any, fetched: dict[int, list[float]]) -> float:
    return fetched[id(value)][0] if isinstance(value, Tensor) else float(value)


def numbers(record: StepRecord, fetched: dict[int, list[float]]) -> dict[str, float]:
    """The scalars of a step as numbers; what is not known is left out."""
    raw = dict(record.scalars)
    losses = [_number(value, fetched) for value in raw.pop("loss")]
    factors = raw.pop("loss_factors")
    scalars = {name: _number(value, fetched) for name, value in raw.items()}
    if losses:
        finite = all(math.isfinite(loss) for loss in losses)
        scalars["loss.nonfinite"] = 0.0 if finite else 1.0
        if finite:
            scalars["loss"] = sum(loss / factor for loss, factor in zip(losses, factors, strict=True)) / len(losses)
    if record.norms:
        squares = [fetched[id(norm)][0] ** 2 for norm in record.norms[1]]
        total = math.sqrt(sum(squares)) if all(math.isfinite(each) for each in squares) else math.nan
        scalars["gradient_norm"] = total
    return {name: value for name, value in scalars.items() if not math.isnan(value)}


def padded(row: stats.Row, fetched: dict[int, list[float]]) -> list[float]:
    """A row as one number for each of TENSOR_STATS."""
    values = fetched[id(row)] if isinstance(row, Tensor) else list(row)
    return values + [math.nan] * (len(TENSOR_STATS) - len(values))
