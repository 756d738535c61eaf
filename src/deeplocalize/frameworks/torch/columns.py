"""The columns of a step: what its layers did, and where a value was not finite."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from deeplocalize.frameworks.torch import stats
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.frameworks.torch.record import StepRecord
from deeplocalize.trace.names import TENSOR_STATS, Series


def activation_columns(layers: Sequence[LayerState]) -> dict[tuple[str, int], stats.Row]:
    """What went through the layers in a step, by role and layer."""
    columns: dict[tuple[str, int], stats.Row] = {}
    for at, layer in enumerate(layers):
        for role, row in (
            ("activation", layer.activation),
            ("preactivation", layer.preactivation),
            ("activation_gradient", layer.gradient),
        ):
            if row is not None:
                columns[role, at] = row
        if layer.nonfinite_parameters is not None:
            columns["weight", at] = (float(layer.nonfinite_parameters),)
        if layer.nonfinite_input is not None:
            columns["input", at] = (float(layer.nonfinite_input),)
    return columns


def add_trouble(record: StepRecord, columns: dict[tuple[str, int], list[float]], fetched: dict[int, Tensor]) -> bool:
    """Add to the columns what the sentinels of an unrecorded step say; True if a value is not finite."""

    def is_bad(sums: Sequence[Tensor]) -> bool:
        return not all(math.isfinite(float(fetched[id(each)])) for each in sums)

    bad = {at for at, sums in record.sentinels.items() if is_bad(sums)}
    if record.norms:
        for at, norm in zip(*record.norms, strict=True):
            if at >= 0 and ("weight_gradient", at) not in columns and is_bad([norm]):
                columns["weight_gradient", at] = [1.0] + [math.nan] * (len(TENSOR_STATS) - 1)
                bad.add(at)
    for role, told in (("activation", record.sentinels), ("input", record.entrances)) if bad else ():
        for at, sums in told.items():
            columns.setdefault((role, at), [float(is_bad(sums))] + [math.nan] * (len(TENSOR_STATS) - 1))
    return bool(bad) or any(values[0] > 0 for values in columns.values())


def table(
    columns: dict[tuple[str, int], list[float]], states: dict[str, list[float]], count: int
) -> dict[Series, list[float]]:
    """A step's columns and the states of the layers as the recorder takes them, each [layers]."""
    found: dict[Series, list[float]] = {}
    for (role, at), values in columns.items():
        for stat, value in zip(TENSOR_STATS, values, strict=True):
            if not math.isnan(value):
                found.setdefault(Series(role, stat), [math.nan] * count)[at] = value
    return found | {Series("layer", name): values for name, values in states.items()}
