"""Where a fault stands: the layer and the user's line, as exact as the trace has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from deeplocalize.trace.schema import Head, Layer, Loss, Source, Trace


class Place(NamedTuple):
    """A layer by index (None if it is in none) and a line (None if it is not known)."""

    layer: int | None
    source: Source | None


def called(trace: Trace, index: int | None) -> str:
    """How a message names a layer: its index, name and type; "the output" if it is in no layer."""
    layer = layer_at(trace, index)
    if layer is None:
        return "the output"
    name = "".join(each for each in layer.name if each.isprintable())
    name = name if len(name) <= 40 else name[:37] + "..."
    return f"layer {layer.index} ({layer.type if name == str(layer.index) else f'{name}, {layer.type}'})"


def called_with_those_before(trace: Trace, layers: Sequence[int]) -> str:
    """How a message names the last of several layers: with the number of the others."""
    others = len(layers) - 1
    return called(trace, layers[-1]) + (f" and {others} layer{'s' * (others > 1)} before it" if others else "")


def layer_at(trace: Trace, index: int | None) -> Layer | None:
    """The layer with an index, None if there is none."""
    return next((layer for layer in trace.layers if layer.index == index), None)


def argument(trace: Trace, index: int | None, *names: str) -> Place:
    """A layer and the line of the first of these arguments that is known, else the line that built the layer."""
    layer = layer_at(trace, index)
    if layer is None:
        return Place(index, None)
    lines = (layer.sources[name] for name in names if name in layer.sources)
    return Place(index, next(lines, layer.source))


def output_activation(trace: Trace, head: Head) -> Place:
    """Where the last nonlinearity of an output is written: its own argument, layer or call."""
    if head.activation_layer is None:
        return Place(head.layer, head.source or argument(trace, head.layer).source)
    place = argument(trace, head.activation_layer, "activation")
    return place if place.source is not None else Place(head.activation_layer, head.source)


def output_layer(trace: Trace, head: Head, *arguments: str) -> Place:
    """The last layer with parameters before the loss, and the line of one of its arguments or of itself."""
    place = argument(trace, head.layer, *arguments)
    return place if place.source is not None else Place(head.layer, head.source)


def data(trace: Trace) -> Source | None:
    """The line that made the inputs, or else the one at which they enter the training."""
    return _first(trace, "inputs", "fit", "forward", "step")


def targets(trace: Trace, loss: Loss) -> Source | None:
    """The line that made the targets, or else the one at which they enter the training."""
    return _first(trace, "targets", "fit", "loss") or loss.source


def loss_line(trace: Trace, loss: Loss) -> Source | None:
    """The line that names the loss."""
    return loss.source or _first(trace, "compile", "loss")


def _first(trace: Trace, *calls: str) -> Source | None:
    return next((trace.run.sources[call] for call in calls if call in trace.run.sources), None)
