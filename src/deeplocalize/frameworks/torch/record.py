"""One step on its way from the device to the trace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deeplocalize.frameworks.torch import stats
from deeplocalize.trace.names import TENSOR_STATS


@dataclass
class StepRecord:
    """What is known of a step; tensors in it are fetched later, several steps at once.

    `sentinels`, `entrances` and `inputs` are sums over the outputs and the inputs of layers, and over the inputs of
    the models, which tell if one was not finite.
    """

    step: int
    order: str
    scalars: dict[str, Any]
    columns: dict[tuple[str, int], stats.Row]
    states: dict[str, list[float]]
    sentinels: dict[int, list[Tensor]]
    entrances: dict[int, list[Tensor]]
    inputs: list[Tensor]
    norms: tuple[list[int], list[Tensor]] | None
    sampled: bool


def tensors_of(record: StepRecord) -> list[Tensor]:
    """Everything in a record that is still on its device."""
    scalars = [each for value in record.scalars.values() for each in (value if isinstance(value, list) else [value])]
    rows = [each for row in record.columns.values() if isinstance(row, stats.Unsettled) for each in row.tensors]
    sums = [each for told in (record.sentinels, record.entrances) for sums in told.values() for each in sums]
    norms = record.norms[1] if record.norms else []
    return [each for each in (*scalars, *rows, *sums, *record.inputs, *norms) if isinstance(each, Tensor)]


def fetch(tensors: Sequence[Tensor]) -> dict[int, Tensor]:
    """Flat copies of tensors on the host by the ids of the originals, with one copy for each device, type and form."""
    groups: dict[tuple[torch.device, torch.dtype, bool], list[Tensor]] = {}
    for tensor in tensors:
        groups.setdefault((tensor.device, tensor.dtype, tensor.ndim > 0), []).append(tensor)
    fetched: dict[int, Tensor] = {}
    with torch.no_grad():
        for (_device, _dtype, has_axes), group in groups.items():
            flat = torch.cat([each.reshape(-1) for each in group]) if has_axes else torch.stack(group)
            parts = flat.cpu().split([each.numel() for each in group])
            fetched |= {id(each): part for each, part in zip(group, parts, strict=True)}
    return fetched


def _number(value: Any, fetched: dict[int, Tensor]) -> float:
    return float(fetched[id(value)]) if isinstance(value, Tensor) else float(value)


def numbers(record: StepRecord, fetched: dict[int, Tensor]) -> dict[str, float]:
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
        squares = [_number(norm, fetched) ** 2 for norm in record.norms[1]]
        total = math.sqrt(sum(squares)) if all(math.isfinite(each) for each in squares) else math.nan
        scalars["gradient_norm"] = total
    return {name: value for name, value in scalars.items() if not math.isnan(value)}


def padded(row: stats.Row, fetched: dict[int, Tensor]) -> list[float]:
    """A row as one number for each of TENSOR_STATS."""
    values = list(stats.settled(row, fetched))
    return values + [math.nan] * (len(TENSOR_STATS) - len(values))
