"""Where the way of the gradient is cut: the loss, or a part of the network, is not connected."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from deeplocalize.signals.movement import were_never_trained
from deeplocalize.signals.over_depth import finite, in_order
from deeplocalize.signals.quality import learns_well
from deeplocalize.trace.schema import Trace

ROUNDING = 1e-6
"""Sums in single precision differ by about so much of their terms' size when added up in another order."""


def is_unconnected(trace: Trace) -> bool:
    """True if backward refused, since nothing that may be trained leads to the loss."""
    crash = trace.run.crash
    refused = crash is not None and crash.during == "backward" and "does not require grad" in crash.message
    return refused and trace.run.trainable > 0


def cut_off(trace: Trace, meant: Collection[int]) -> list[int]:
    """The layers, of those that are meant to change, that never do as no gradient reaches them, in the order of the pass.

    Where the network learns well, only if they were never trained. A model beside the graph only where it does not learn;
    as long as that is open, only if it was never trained. Layers that are never called only if it does not learn for sure.
    Layers beside the graph that are no model of their own, only if they were never trained.
    """
    layers, well = [at for at in without_gradient(trace) if at in meant], learns_well(trace)
    doubtful = bool(well)
    if not layers and not well:
        layers, doubtful = beside_the_graph(trace), well is None
        layers = layers or (never_called(trace) if well is False else [])
    if not layers:
        layers, doubtful = [at for at in beside_the_graph(trace, within=True) if at in meant], True
    if not layers or not stay_as_they_are(trace, layers):
        return []
    return [] if doubtful and not were_never_trained(trace, layers) else layers


def without_gradient(trace: Trace) -> list[int]:
    """Trainable layers that got no gradient in any recorded step though one behind them did, in the order of the pass.

    Empty unless they are all there is before the first layer with a gradient: what is left out elsewhere is a branch that
    the loss does not use.
    """
    reached, free = trace.series("layer", "reached"), trace.series("layer", "trainable")
    order = [int(at) for at in in_order(trace) if np.isfinite(reached[:, at]).any() and not (free[:, at] == 0).any()]
    gets = [bool(np.nanmax(reached[:, at]) > 0) for at in order]
    before = gets.index(True) if True in gets else 0
    return order[:before]


def beside_the_graph(trace: Trace, share: float = 0.9, *, within: bool = False) -> list[int]:
    """Layers of a model that an optimizer holds and is to train, and that ran in at least this share of the recorded
    steps, but never while gradients were recorded: all of its layers did, or with `within` those among others."""
    graph = trace.series("layer", "graph")
    held, free = trace.series("layer", "optimized"), trace.series("layer", "trainable")
    apart = (graph == 0).mean(axis=0) >= share if len(graph) else np.zeros(len(trace.layers), bool)
    meant = (held > 0).all(axis=0) & (free > 0).all(axis=0) & ~(graph == 1).any(axis=0)
    return [
        layer.index for layer in trace.layers if (layer.order is not None) is within and (apart & meant)[layer.index]
    ]


def never_called(trace: Trace) -> list[int]:
    """Layers that an optimizer holds and is to train, but that never ran, if they are most of what there is to train: no
    leftovers of another version, then, but layers whose weights are read by the way."""
    held, free, reached = (finite(trace, "layer", stat) for stat in ("optimized", "trainable", "reached"))
    sizes = np.array([layer.parameters for layer in trace.layers])
    trained = sizes[np.nanmax(reached, axis=0, initial=0.0) > 0].sum()
    still = [
        layer.index
        for layer in trace.layers
        if layer.parameters and never_ran(trace, layer.index)
        if (held[:, layer.index] > 0).all() and (free[:, layer.index] > 0).all()
        if np.nanmax(reached[:, layer.index], initial=0.0) == 0
    ]
    return still if sizes[still].sum() > trained else []


def set_free_too_late(trace: Trace) -> list[int]:
    """Layers that were frozen when the model was compiled and set free afterwards, and whose weights never change."""
    free = trace.series("layer", "trainable")
    late = [layer.index for layer in trace.layers if "unfrozen" in layer.sources and layer.parameters]
    late = [at for at in late if len(free) and (free[:, at] == 0).all()]
    return late if late and stay_as_they_are(trace, late) else []


def stay_as_they_are(trace: Trace, layers: Sequence[int]) -> bool:
    """True if the weights of these layers are the same in all recorded steps: nothing else changes them either.

    The extremes are; the mean and the RMS may differ by the order in which a step that is compiled again adds up.
    """
    weights = np.stack([finite(trace, "weight", stat)[:, layers] for stat in ("mean", "rms", "min", "max")])
    apart = np.nanmax(weights, axis=1, initial=-np.inf) - np.nanmin(weights, axis=1, initial=np.inf)
    rounding = ROUNDING * np.nanmax(weights[1], axis=0, initial=0.0)
    return not (apart > np.outer((1, 1, 0, 0), rounding)).any()


def never_ran(trace: Trace, layer: int) -> bool:
    """True if a layer was called in no recorded step."""
    return trace.layers[layer].order is None and not np.isfinite(trace.series("layer", "graph")[:, layer]).any()


def always_beside_the_graph(trace: Trace, layer: int) -> bool:
    """True if a layer ran, but in no recorded step while gradients were recorded."""
    graph = trace.series("layer", "graph")[:, layer]
    return bool((graph == 0).any() and not (graph == 1).any())


def left_out(trace: Trace, share: float) -> list[int]:
    """Layers that may be trained and get a gradient, but of which optimizers hold at most this share in every recorded step. Of
    those that the model does not know, only if their weights may still be the random ones."""
    held, free = trace.series("layer", "optimized"), trace.series("layer", "trainable")
    reached = (trace.series("layer", "reached") > 0) | (trace.series("weight_gradient", "rms") > 0)
    seen = np.isfinite(held)
    never = np.where(seen, (held <= share) & (free > 0) & reached, True).all(axis=0) & seen.any(axis=0)
    found = [int(index) for index in np.flatnonzero(never)]
    hidden = [at for at in found if not trace.layers[at].registered]
    return found if _are_random(trace, hidden) else [at for at in found if at not in hidden]


def _are_random(trace: Trace, layers: list[int]) -> bool:
    """True unless weights whose initializer is known may have been trained before."""
    known = [at for at in layers if trace.layers[at].initializer is not None]
    uniform = [at for at in known if str(trace.layers[at].initializer).endswith("uniform")]
    plain = [at for at in uniform if trace.layers[at].kind in ("dense", "conv")]
    return not known or were_never_trained(trace, plain)
