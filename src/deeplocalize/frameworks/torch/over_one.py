"""Softmaxes inside of a model that run over a single number or over the examples, told from the shapes in the autograd graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch import graph, origin
from deeplocalize.frameworks.torch.calls import CallLines
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.trace.schema import Softmax

_KEEPS_FORM = (*graph.TRANSPARENT, "MaskedFillBackward", "DivBackward", "MulBackward")
_MAX_WAY = 6


def find(
    consumers: Mapping[Any, Sequence[Any]],
    by_node: Mapping[Any, LayerState],
    calls: CallLines,
    examples: int | None = None,
) -> tuple[LayerState | None, Softmax] | None:
    """The first softmax of the graph over one number where several are there to be weighed, or over the examples where each has
    several numbers; with the layer before it. `examples` is how many the loss judges, if that is known.

    That one number is a mistake is proved in two ways: what the softmax is given comes from a layer of one unit, or what it makes
    is multiplied, as a matrix, with others along another axis.
    """
    for node in consumers:
        shape, dim = graph.shape(node), graph.signed(graph.saved(node, "dim"))
        if graph.name(node) != "SoftmaxBackward" or dim is None or len(shape) < 2 or max(shape[1:]) == 1:
            continue
        axis, before = dim % len(shape), _before(node, shape, by_node)
        if _is_over_examples(node, shape, axis, examples, by_node) or _is_over_one(
            node, shape, axis, before, consumers
        ):
            carrier = by_node.get(node)
            line = carrier.facts.source if carrier else _line(node, consumers, by_node, calls)
            return before, Softmax((None, *shape[1:]), axis, None, line.source if isinstance(line, CallSite) else line)
    return None


def _is_over_one(
    node: Any, shape: tuple[int, ...], axis: int, before: LayerState | None, consumers: Mapping[Any, Sequence[Any]]
) -> bool:
    if len(shape) < 3 or axis == 0 or shape[axis] != 1:
        return False
    one_unit = before is not None and axis == len(shape) - 1 and (before.facts.output_shape or ())[-1:] == (1,)
    return one_unit or _summed_over(node, shape, consumers) not in (None, axis - len(shape))


def _is_over_examples(
    node: Any, shape: tuple[int, ...], axis: int, examples: int | None, by_node: Mapping[Any, LayerState]
) -> bool:
    """True if a softmax of what layers made, which is not the answer itself, adds up to 1 over as many as there are examples."""
    if axis != 0 or shape[0] != examples or examples == 1 or examples in shape[1:]:
        return False
    return any(each in by_node and by_node[each].facts.parameters for each in origin.nodes_behind(node))


def _before(node: Any, shape: tuple[int, ...], by_node: Mapping[Any, LayerState]) -> LayerState | None:
    """The layer whose output of the same form goes into the softmax."""
    for _ in range(_MAX_WAY):
        node = graph.only_parent(node)
        if node is None or graph.shape(node) != shape:
            return None
        if node in by_node:
            return by_node[node]
        if graph.name(node) not in _KEEPS_FORM:
            return None
    return None


def _summed_over(node: Any, shape: tuple[int, ...], consumers: Mapping[Any, Sequence[Any]]) -> int | None:
    """The axis, counted from the last, along which a product of matrices adds up what a softmax made, where there are several
    numbers; None if that is not what is done with it."""
    for _ in range(_MAX_WAY):
        readers = consumers.get(node, ())
        if len(readers) != 1:
            return None
        if graph.name(readers[0]) == "BmmBackward":
            axis = -1 if readers[0].next_functions[0][0] is node else -2
            return axis if shape[axis] > 1 else None
        node = readers[0]
        if graph.name(node) not in _KEEPS_FORM or graph.shape(node)[-2:] != shape[-2:]:
            return None
    return None


def _line(
    node: Any, consumers: Mapping[Any, Sequence[Any]], by_node: Mapping[Any, LayerState], calls: CallLines
) -> CallSite | None:
    """The call of the softmax: the only one, or the one at the same place in the order of calls."""
    sites = [site for name, site in calls.calls if name == "softmax"]
    if len(set(sites)) == 1:
        return sites[0]
    nodes = [each for each in consumers if graph.name(each) == "SoftmaxBackward" and each not in by_node]
    ordered = sorted(nodes, key=lambda each: int(each._sequence_nr()))
    return sites[ordered.index(node)] if len(sites) == len(ordered) and node in ordered else None
