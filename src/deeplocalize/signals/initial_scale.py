"""How large the initial weights are for the layers they are in, and what they make of a signal."""

from __future__ import annotations

import math

import numpy as np

from deeplocalize.signals.over_depth import (
    KERNELS,
    NORMALIZERS,
    finite,
    in_order,
    input_scale,
    mean_slopes,
    weight_layers,
)
from deeplocalize.trace.schema import FloatArray, Trace

UNSURE = (*NORMALIZERS, "merge", "custom", "other", "noise")
"""Kinds behind which the scale of what goes in says nothing of the scale of what comes out."""


def hidden_chain(trace: Trace) -> list[int]:
    """The dense and convolutional layers before the last layer with weights, in the order of the pass, if there is nothing
    among all layers that brings values to another scale or leads around a layer; else none."""
    kinds = [trace.layers[int(at)].kind for at in in_order(trace)]
    plain = not any(kind in UNSURE for kind in kinds) and all(
        kind in ("dense", "conv") for kind in kinds if kind in KERNELS
    )
    return [int(at) for at in weight_layers(trace)[:-1]] if plain else []


def gains(trace: Trace, layers: list[int]) -> FloatArray:
    """RMS of the initial weights times the square root of how many inputs a unit has, [layers]; NaN if not known.

    By so much a layer multiplies the RMS of independent inputs. He's initialization makes it 1.41, Glorot's about 1, and the
    default of PyTorch 0.58.
    """
    return np.array([float(finite(trace, "weight", "rms")[0, at]) * math.sqrt(_inputs(trace, at)) for at in layers])


def _inputs(trace: Trace, index: int) -> float:
    """How many inputs a unit of a dense or convolutional layer has; NaN if not known."""
    layer = trace.layers[index]
    shape = layer.output_shape or ()
    first = layer.kind == "conv" and trace.run.framework == "torch"
    units = (shape[0] if first else shape[-1]) if shape else None
    bias = layer.settings.get("bias", True) not in (False, None)
    return max(layer.parameters / units - bias, 1.0) if units else math.nan


def carried(trace: Trace, layers: list[int]) -> float:
    """RMS of what the last of these layers hands on, over that of the inputs, before the first step; NaN if not known."""
    return float(finite(trace, "activation", "rms")[0, layers[-1]]) / input_scale(trace)


def slope_at_start(trace: Trace, layers: list[int]) -> float:
    """The median over layers of the mean slope of sigmoid or tanh over its largest, before the first step; NaN for others."""
    slopes = mean_slopes(trace)[0]
    order = [int(at) for at in in_order(trace)]
    known = [slopes[at] for at in order[: order.index(layers[-1]) + 2] if np.isfinite(slopes[at])]
    return float(np.median(known)) if known else math.nan


def fitting_deviation(trace: Trace, layer: int) -> float:
    """The standard deviation of weights that keeps the size of a signal in a layer: He's for ReLU, Glorot's else."""
    linear = trace.layers[layer].activation in ("tanh", "sigmoid", "softsign", "linear")
    return math.sqrt((1 if linear else 2) / _inputs(trace, layer))
