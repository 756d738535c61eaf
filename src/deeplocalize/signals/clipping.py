"""By what gradient clipping multiplied the gradient, whoever did it."""

from __future__ import annotations

import math

import numpy as np

from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import FloatArray, Optimizer, Trace


def factors(trace: Trace) -> FloatArray:
    """What is left of the gradient after clipping, over what it was, [steps]: 1 = left as it was; NaN without clipping.

    Recorded where a call of the program clips. Where the optimizer does it, the norm that it was given tells; for a limit
    on each layer or on each number, the typical one of the layers does.
    """
    recorded = trace.scalar("clipped")
    if np.isfinite(recorded).any() or not trace.run.optimizers:
        return recorded
    optimizer = trace.run.optimizers[0]
    if limit := _limit(optimizer, "global_clipnorm"):
        return _left(limit, trace.scalar("gradient_norm"))
    by_layer, by_value = _limit(optimizer, "clipnorm"), _limit(optimizer, "clipvalue")
    if by_layer is None and by_value is None:
        return recorded
    sizes = trace.columns.get(Series("weight_gradient", "rms"))
    if sizes is None:
        return recorded
    numbers = np.sqrt([max(layer.parameters, 1) for layer in trace.layers]) if by_layer else 1.0
    left = _left(by_layer or by_value or math.nan, sizes * numbers)
    known = np.isfinite(left).any(axis=1)
    found = np.full(len(trace.steps), math.nan)
    at = np.searchsorted(trace.steps, trace.sampled[known])
    inside = at < len(trace.steps)
    found[at[inside]] = np.nanmedian(left[known], axis=1)[inside]
    return found


def _limit(optimizer: Optimizer, name: str) -> float | None:
    value = optimizer.settings.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _left(limit: float, sizes: FloatArray) -> FloatArray:
    return np.where(
        sizes > limit, limit / np.where(sizes > limit, sizes, 1.0), np.where(np.isnan(sizes), math.nan, 1.0)
    )
