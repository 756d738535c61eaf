"""What was carried over from an earlier step, when backward refuses to go through a graph a second time.

Nodes of the graph are numbered in the order in which they are made. What was made before the loss of the backward pass
before this one belongs to an earlier step, and whatever leads there was kept by the program: a state that the model is given
again, a sum of losses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from deeplocalize.frameworks.torch import graph
from deeplocalize.frameworks.torch.models import Model

REFUSAL = "backward through the graph a second time"

_MAX_NODES = 20_000
_MAX_ITEMS = 64


class Carried(NamedTuple):
    """What was carried over: its name, and as what (see Crash)."""

    name: str | None
    what: str


def find(root: Tensor, last: int, variables: Sequence[Mapping[str, Any]], models: Sequence[Model]) -> Carried | None:
    """What leads from `root`, on which backward was called, to the graph of an earlier pass.

    Args:
        root: the loss.
        last: the number of the node at which the latest backward pass that came to its end had begun.
        variables: those of the user's functions that are being carried out, innermost first.
        models: those that took part in the step.
    """
    old = _older(root.grad_fn, last) if root.grad_fn is not None else set()
    if not old:
        return None
    if root.grad_fn in old:
        return Carried(_named(variables, lambda each: each is root), "loss")
    given = ((name, each) for model in models for name, each in model.last_states)
    if (state := next(((name, each) for name, each in given if each.grad_fn in old), None)) is not None:
        return Carried(_named(variables, lambda each: each is state[1]) or state[0], "input")
    if graph.name(root.grad_fn) == "AddBackward" and any(node in old for node in graph.parents(root.grad_fn)):
        return Carried(_named(variables, lambda each: each is root), "sum")
    if (name := _named(variables, lambda each: each.grad_fn in old)) is not None:
        return Carried(name, "variable")
    return Carried(_attribute(models), "attribute")


def number(node: Any) -> int:
    """The place of a node among all nodes in the order in which they were made; those of parameters come last."""
    return int(node._sequence_nr())


def _older(root: Any, last: int) -> set[Any]:
    """The nodes behind `root` that were made before the node number `last`, the first of each way only."""
    old: set[Any] = set()
    seen, stack = {root}, [root]
    while stack and len(seen) < _MAX_NODES:
        node = stack.pop()
        if number(node) <= last:
            old.add(node)
            continue
        for parent in graph.parents(node):
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return old


def _named(variables: Sequence[Mapping[str, Any]], wanted: Any) -> str | None:
    """The name of the first variable that is such a tensor, or holds one."""
    for names in variables:
        for name, value in list(names.items()):
            items = list(value)[:_MAX_ITEMS] if isinstance(value, tuple | list) else [value]
            if any(isinstance(each, Tensor) and wanted(each) for each in items):
                return name
    return None


def _attribute(models: Sequence[Model]) -> str | None:
    """The attribute of a module that holds a tensor with its graph, such as ``self.hidden``."""
    for model in models:
        for module in model.root.modules() if model.root is not None else ():
            name = _named([vars(module)], lambda each: each.grad_fn is not None)
            if name is not None:
                return f"self.{name}"
    return None
