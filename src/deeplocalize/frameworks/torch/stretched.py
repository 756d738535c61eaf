"""Predictions that a loss of the user's own compares with all targets, as (n, 1) less (n,) is (n, n): told from the shapes in
the autograd graph, whatever is done with the difference afterwards."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from deeplocalize.frameworks.torch import graph

MAX_NODES = 200


def stretched(loss: Any, outputs: Collection[Any]) -> Any:
    """The node of the model's output that is stretched by subtracting something that needs no gradient; None if there is none.

    `outputs` are the nodes of what models answered. Where two things that need a gradient are subtracted to (n, n), pairs are
    compared on purpose, and None is returned.
    """
    found, waiting, seen = None, [loss], {loss}
    while waiting and len(seen) < MAX_NODES:
        node = waiting.pop()
        if node in outputs:
            continue
        if graph.name(node) == "SubBackward" and is_square(graph.shape(node, 0)):
            given = [
                (each, at)
                for each, at in node.next_functions
                if each is not None and not is_square(graph.shape(each, at))
            ]
            if len(given) == 2:
                return None
            if given and None in (each for each, _ in node.next_functions):
                found = found or _answer(*given[0], graph.shape(node, 0)[0], outputs)
        waiting += [each for each in graph.parents(node) if each not in seen]
        seen.update(waiting)
    return found


def _answer(node: Any, at: int, examples: int, outputs: Collection[Any]) -> Any:
    """The output that a node makes a column or a flat tensor of; None if it is another shape, or was made a column of for
    the purpose."""
    shape = graph.shape(node, at)
    if shape == (examples,):
        while node is not None and node not in outputs and graph.name(node) in graph.TRANSPARENT:
            node = graph.only_parent(node)
    return node if node in outputs and shape in ((examples,), (examples, 1)) else None


def is_square(shape: tuple[int, ...]) -> bool:
    """True if something has a row and a column for each of several examples."""
    return len(shape) == 2 and shape[0] == shape[1] > 1
