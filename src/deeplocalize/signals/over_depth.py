"""Over depth: how a quantity changes from the first layer to the last."""

from __future__ import annotations

import math

import numpy as np

from deeplocalize.trace.schema import FloatArray, IntArray, Trace

WITHOUT_KERNEL = ("norm", "batch-norm", "activation", "dropout", "pooling", "reshape", "merge", "rescaling", "noise")
"""Kinds whose parameters, if any, are scales and shifts: they begin at one and zero, and their size says nothing."""


def in_order(trace: Trace) -> IntArray:
    """Indices of the layers that took part in the forward pass, in its order."""
    taking_part = [layer for layer in trace.layers if layer.order is not None]
    return np.array([layer.index for layer in sorted(taking_part, key=lambda layer: layer.order or 0)], np.int64)


def weight_layers(trace: Trace) -> IntArray:
    """Indices of the layers with kernels, in the order of the forward pass."""
    bare = {layer.index for layer in trace.layers if layer.kind in WITHOUT_KERNEL or not layer.parameters}
    return np.array([index for index in in_order(trace) if int(index) not in bare], np.int64)


def relative_gradients(trace: Trace) -> FloatArray:
    """log10 of the RMS of each kernel's gradient over the RMS of the kernel, [samples, weight layers].

    Dividing by the weights makes layers of different size comparable: the rate at which a step of given length would
    change the layer. NaN where either is zero or not recorded.
    """
    layers = weight_layers(trace)
    gradient, weight = trace.series("weight_gradient", "rms")[:, layers], trace.series("weight", "rms")[:, layers]
    known = (gradient > 0) & (weight > 0)
    ratio = np.where(known, gradient, 1.0) / np.where(known, weight, 1.0)
    return np.where(known, np.log10(ratio), math.nan)
