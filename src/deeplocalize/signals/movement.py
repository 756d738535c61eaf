"""How far the weights move, in units of their own size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deeplocalize.signals.over_depth import finite, weight_layers
from deeplocalize.trace.schema import FloatArray, IntArray, Trace

TINY = 0.1
"""A layer whose first weights are below this share of the other layers' typical size is left out: measured against
zeros, every step is infinitely long."""


def relative_updates(trace: Trace) -> FloatArray:
    """RMS of each weight update over the RMS of the weight it changed, [samples, layers].

    NaN where either was not recorded, for layers without kernels, and for layers that begin at (nearly) zero.
    """
    weight, update = finite(trace, "weight", "rms"), finite(trace, "weight_update", "rms")
    ratio = np.full(weight.shape, math.nan)
    layers = weight_layers(trace)
    if not len(weight) or not len(layers):
        return ratio
    first = weight[0, layers]
    usable = layers[first > TINY * np.nanmedian(first)] if np.isfinite(first).any() else layers[:0]
    moved = weight[:, usable] > 0
    ratio[:, usable] = np.where(moved, update[:, usable] / np.where(moved, weight[:, usable], 1.0), math.nan)
    return ratio


def typical_updates(trace: Trace) -> FloatArray:
    """The median over layers of `relative_updates`, [samples]; NaN where no layer has one."""
    ratios = relative_updates(trace)
    return np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else math.nan for row in ratios])


def distance(trace: Trace, lengths: FloatArray, steps: IntArray) -> FloatArray:
    """The sum of the lengths of all steps before each of `steps`: how far the weights can be from their start by then.

    Args:
        trace: the run.
        lengths: relative length of each recorded step, [samples]; in between it is interpolated, NaN is passed over.
        steps: optimizer steps, ascending.

    Returns:
        One distance for each of `steps`, in units of the weights' own size; NaN if no length is known.
    """
    known = np.isfinite(lengths)
    if not known.any():
        return np.full(len(steps), math.nan)
    at, length = trace.sampled[known].astype(float), lengths[known]
    gaps = np.diff(at)
    between = gaps * length[:-1] + np.diff(length) * (gaps - 1) / 2
    travelled = at[0] * length[0] + np.concatenate([[0.0], np.cumsum(between)])
    beyond = np.maximum(steps - at[-1], 0) * length[-1]
    total: FloatArray = np.interp(steps, at, travelled) + beyond
    return total


def distance_ahead(trace: Trace, lengths: FloatArray, window: int) -> FloatArray:
    """The distance (see there) of so many steps from each recorded one on, [samples]."""
    return distance(trace, lengths, trace.sampled + window) - distance(trace, lengths, trace.sampled)


def is_as_initialized(trace: Trace, layer: int) -> bool:
    """True if a kernel's values are spread evenly to both sides, as a uniform initializer leaves them and no training does.

    The largest value of a uniform distribution is sqrt(3) = 1.73 times its RMS; trained kernels have tails, and so have
    normal initializers, of which this can say nothing. The RMS of n such values has a relative standard error of
    0.45 / sqrt(n), of which three are allowed; and that none of them lies in the outermost 6 / n of the range has a chance
    of exp(-6).
    """
    count = max(trace.layers[layer].parameters, 1)
    slack, gap = 0.05 + math.sqrt(3) * 3 * 0.45 / math.sqrt(count), 2 * math.sqrt(3) * 6 / count
    rms, low, high = (finite(trace, "weight", stat)[-1:, layer] for stat in ("rms", "min", "max"))
    beyond = np.array([high, -low]) - math.sqrt(3) * rms
    return bool(((rms > 0) & (-(slack + gap) * rms < beyond) & (beyond < slack * rms)).all(axis=0).any())


def were_never_trained(trace: Trace, layers: Sequence[int]) -> bool:
    """True if the kernels of all of these layers are as initialized. Embeddings begin normal and say nothing."""
    judged = [at for at in layers if trace.layers[at].kind != "embedding"]
    return bool(judged) and all(is_as_initialized(trace, at) for at in judged)
