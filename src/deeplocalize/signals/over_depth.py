"""Over depth: how a quantity changes from the first layer to the last."""

from __future__ import annotations

import math

import numpy as np

from deeplocalize.trace.cards import InputCard
from deeplocalize.trace.schema import FloatArray, IntArray, Layer, Trace

WITHOUT_KERNEL = ("norm", "batch-norm", "activation", "dropout", "pooling", "reshape", "merge", "rescaling", "noise")
"""Kinds whose parameters, if any, are scales and shifts: they begin at one and zero, and their size says nothing."""

NORMALIZERS = ("norm", "batch-norm", "rescaling", "embedding")
KERNELS = ("dense", "conv", "recurrent", "attention")


def in_order(trace: Trace) -> IntArray:
    """Indices of the layers that took part in the forward pass, in its order."""
    taking_part = [layer for layer in trace.layers if layer.order is not None]
    return np.array([layer.index for layer in sorted(taking_part, key=lambda layer: layer.order or 0)], np.int64)


def weight_layers(trace: Trace) -> IntArray:
    """Indices of the layers with kernels, in the order of the forward pass."""
    bare = {layer.index for layer in trace.layers if layer.kind in WITHOUT_KERNEL or not layer.parameters}
    return np.array([index for index in in_order(trace) if int(index) not in bare], np.int64)


def finite(trace: Trace, role: str, stat: str) -> FloatArray:
    """A series with NaN also where single precision was too small for the number, [samples, layers]."""
    values = trace.series(role, stat)
    return np.where(np.isfinite(values), values, math.nan)


def backward_signal(trace: Trace) -> FloatArray:
    """log10 of the L2 norm of the loss's gradient at each hidden layer's output, [samples, hidden layers].

    Hidden are the layers with kernels except the last, in the order of the forward pass. The norm over all of a layer's
    outputs is used, as an image spreads the same gradient over more elements than a vector. NaN where it is zero or not
    recorded.
    """
    layers = weight_layers(trace)[:-1]
    sizes = np.array([_size(trace.layers[index].output_shape) for index in layers])
    norms = finite(trace, "activation_gradient", "rms")[:, layers] * np.sqrt(sizes)
    return np.where(norms > 0, np.log10(np.where(norms > 0, norms, 1.0)), math.nan)


def gradient_rise(trace: Trace) -> FloatArray:
    """Decades by which the gradient grows on its way from the last hidden layer to the first, [samples], at most 300.

    Negative where it shrinks; NaN with fewer than two hidden layers, or where it was not recorded.
    """
    signal = backward_signal(trace)
    return np.clip(signal[:, 0] - signal[:, -1], -300, 300) if signal.shape[1] >= 2 else np.full(len(signal), math.nan)


EXPLOSIVE = 2.0
"""Decades by which the gradient may grow through depth; sound deep networks stay within one and a half."""


def gradient_rise_at_start(trace: Trace) -> float:
    """`gradient_rise` in the first recorded step, before any weight was changed; NaN if it is not known."""
    rise = gradient_rise(trace)
    return float(rise[0]) if len(rise) else math.nan


def _size(shape: tuple[int | None, ...] | None) -> float:
    return float(math.prod(shape)) if shape and all(shape) else 1.0  # type: ignore[arg-type]


def hidden_layers(trace: Trace, activations: tuple[str, ...]) -> list[int]:
    """Indices of the layers before the output layer with one of these nonlinearities, in the order of the forward pass."""
    heads = {
        index for objective in trace.run.objectives for index in (objective.head.layer, objective.head.activation_layer)
    }
    return [int(at) for at in in_order(trace) if at not in heads and trace.layers[at].activation in activations]


def activation_carrier(trace: Trace, layer: int) -> int:
    """The layer that applies the nonlinearity behind a layer: an activation layer right after it, else itself."""
    order = [int(each) for each in in_order(trace)]
    following = order[order.index(layer) + 1 :][:1] if layer in order else []
    return following[0] if following and trace.layers[following[0]].kind == "activation" else layer


def dead_share(trace: Trace, layer: int) -> FloatArray:
    """The share of a layer's units whose nonlinearity answers 0 to the whole batch, [samples]."""
    return trace.series("activation", "dead")[:, activation_carrier(trace, layer)]


def died_out(dead: FloatArray) -> bool:
    """True if all units are dead in the second half of the run, and were not at first."""
    return len(dead) > 1 and bool(dead[0] < 1 and (dead[len(dead) // 2 :] == 1).all())


def kernel_before(trace: Trace, layer: int) -> int:
    """The layer whose kernel makes what a layer's nonlinearity gets: itself, or the last one with a kernel before it."""
    order, kernels = [int(each) for each in in_order(trace)], weight_layers(trace)
    before = [at for at in order[: order.index(layer) + 1] if at in kernels] if layer in order else []
    return before[-1] if before else layer


def mean_slopes(trace: Trace) -> FloatArray:
    """Mean slope of each layer's sigmoid or tanh over units and examples, as a share of its largest, [samples, layers].

    tanh' = 1 - tanh^2 and sigmoid' = sigmoid - sigmoid^2, so that mean and RMS of the output tell it exactly. NaN for
    other nonlinearities, and where the output recorded is not yet that of the nonlinearity.
    """
    mean, rms, low, high = (finite(trace, "activation", stat) for stat in ("mean", "rms", "min", "max"))
    names = [layer.activation for layer in trace.layers]
    slopes = np.full(rms.shape, math.nan)
    for at, name in enumerate(names):
        if name == "tanh":
            slopes[:, at] = np.where((low[:, at] >= -1) & (high[:, at] <= 1), 1 - rms[:, at] ** 2, math.nan)
        elif name == "sigmoid":
            inside = (low[:, at] >= 0) & (high[:, at] <= 1)
            slopes[:, at] = np.where(inside, 4 * (mean[:, at] - rms[:, at] ** 2), math.nan)
    return slopes


def input_scale(trace: Trace) -> float:
    """RMS of the model's first input; NaN if it is not known."""
    card = trace.data.inputs[0] if trace.data.inputs else None
    return math.hypot(card.mean, card.std) if card and card.mean is not None and card.std is not None else math.nan


def meant_to_change(trace: Trace) -> IntArray:
    """Layers with kernels that are trainable and held by an optimizer, where that is known."""
    layers = weight_layers(trace)
    states = np.stack([trace.series("layer", state)[:, layers] for state in ("trainable", "optimized")])
    meant: IntArray = layers[~(states == 0).any(axis=(0, 1))]
    return meant


def lasting(trace: Trace, values: FloatArray) -> FloatArray:
    """The median of values [samples, layers] over the second half of the run, [layers]; NaN if there are none."""
    half = trace.sampled >= (trace.sampled.max(initial=0) + 1) / 2
    return np.array([middle(column) for column in values[half].T])


def middle(values: FloatArray) -> float:
    """The median of the values that were recorded; NaN if there are none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else math.nan


def unlisted(trace: Trace) -> list[InputCard]:
    """The inputs, without those of whole numbers that embeddings look up beside others that are none."""
    quantities = [card for card in trace.data.inputs if not card.integral]
    looked_up = quantities and any(layer.kind == "embedding" for layer in trace.layers)
    return quantities if looked_up else list(trace.data.inputs)


def raw_entrance(trace: Trace) -> Layer | None:
    """The first layer with weights, unless there is a normalization before or right behind it; with several inputs, anywhere.

    Where some inputs are whole numbers and others are not, embeddings look up the former, and say nothing of the others.
    """
    ordered = sorted((layer for layer in trace.layers if layer.order is not None), key=lambda layer: layer.order or 0)
    if len(unlisted(trace)) < len(trace.data.inputs):
        ordered = [layer for layer in ordered if layer.kind != "embedding"]
    kernels = [at for at, layer in enumerate(ordered) if layer.kind in KERNELS]
    if not kernels:
        return None
    end = kernels[1] if len(kernels) > 1 and len(trace.data.inputs) == 1 else len(ordered)
    normalized = any(layer.kind in NORMALIZERS for layer in ordered[:end])
    return None if normalized else ordered[kernels[0]]
