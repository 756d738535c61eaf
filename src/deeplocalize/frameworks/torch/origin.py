"""Which operation of the user's code made the first value that is not finite, between or behind the layers.

Looked for once, when the loss is not finite and before the backward pass takes the graph away: the graph names the
operations between the last finite layer and the first spoiled one, and the user's file has their lines.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from deeplocalize.frameworks.data_lines import argument_made_at
from deeplocalize.frameworks.source import (
    CallSite,
    called,
    calls_in,
    is_user_file,
    lines_with,
    place,
    runs_beside,
)
from deeplocalize.frameworks.torch import graph, objective
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.trace.schema import Origin, Source

if TYPE_CHECKING:
    from deeplocalize.frameworks.torch.models import Model

UNSAFE: dict[str, tuple[str, tuple[str, ...], tuple[type[ast.operator], ...]]] = {
    "LogBackward": ("log", ("log",), ()),
    "Log2Backward": ("log2", ("log2",), ()),
    "Log10Backward": ("log10", ("log10",), ()),
    "Log1PBackward": ("log1p", ("log1p",), ()),
    "SqrtBackward": ("sqrt", ("sqrt",), ()),
    "RsqrtBackward": ("rsqrt", ("rsqrt",), ()),
    "ExpBackward": ("exp", ("exp",), ()),
    "Expm1Backward": ("expm1", ("expm1",), ()),
    "DivBackward": ("division", ("div", "true_divide"), (ast.Div,)),
    "ReciprocalBackward": ("division", ("reciprocal",), (ast.Div,)),
    "PowBackward": ("power", ("pow",), (ast.Pow,)),
    "LinalgVectorNormBackward": ("norm", ("norm", "vector_norm"), ()),
    "NormBackward": ("norm", ("norm",), ()),
    "StdBackward": ("std", ("std",), ()),
    "AcosBackward": ("acos", ("acos", "arccos"), ()),
    "AsinBackward": ("asin", ("asin", "arcsin"), ()),
    "AtanhBackward": ("atanh", ("atanh", "arctanh"), ()),
}
"""Operations that can make a value or gradient that is not finite out of finite ones: common name, names of functions
and operators that write them."""

STEEP = frozenset(
    ("SqrtBackward", "PowBackward", "LogBackward", "DivBackward", "StdBackward", "AcosBackward", "AsinBackward")
)
"""Operations whose slope can be infinite, or 0/0, where their value is finite."""

CUSTOM = "custom"
"""The kind of layers that the user wrote: what goes on inside of them is looked at, too."""


@dataclass
class Found:
    """An operation, the layer whose output went into it, and its line. `steps_ago` is 1 if it was its slope, in the step
    before, that was not finite."""

    operation: str
    after: LayerState | None
    source: Source | None
    steps_ago: int = 0
    step: int = 0

    def fact(self, index: dict[int, int]) -> Origin:
        """As a fact; `index` gives each LayerState's (by id) place."""
        return Origin(self.step, self.operation, index.get(id(self.after)), self.source)


def find(root: Tensor, reached: Sequence[Model], site: CallSite | None) -> Found | None:
    """The operation where values stopped being finite; None if it was a layer, or no unsafe operation is there."""
    layers = sorted((layer for model in reached for layer in model.layers if layer.nodes), key=_order)
    owners = {node: layer for node, layer in objective.nodes_of(reached).items() if layer.facts.kind != CUSTOM}
    for layer in layers:
        if layer.nonfinite_parameters:
            start = _first_sound(layers) or root.grad_fn
            owners = {node: each for node, each in owners.items() if node is not start}
            steep = _between(start, owners, _loss_files(reached, site), site, STEEP)
            return dataclasses.replace(steep, steps_ago=1) if steep is not None else None
        if layer.nonfinite_input and layer.inputs:
            found = _between(layer.inputs[-1].grad_fn, owners, _forward_files(reached), site)
            return found if found is not None else _on_data(layer, reached)
        if layer.facts.parameters and layer.activation is not None and float(layer.activation[0]) > 0:
            inside = layer.facts.kind == CUSTOM
            return _between(layer.nodes[-1], owners, _forward_files(reached), site) if inside else None
    return _between(root.grad_fn, owners, _loss_files(reached, site), site)


def _first_sound(layers: Sequence[LayerState]) -> Any:
    """The node of the first layer with finite parameters behind all that a gradient has spoiled; None if there is none."""
    weighted = [layer for layer in layers if layer.facts.parameters]
    spoiled = [at for at, layer in enumerate(weighted) if layer.nonfinite_parameters]
    behind = weighted[spoiled[-1] + 1 :] if spoiled else []
    return behind[0].nodes[-1] if behind else None


def nodes_behind(start: Any) -> list[Any]:
    """The operations that a value was made of, latest first, up to a bound."""
    return _back(start, {})


def steep(node: Any, reached: Sequence[Model], site: CallSite | None, loss: CallSite | None = None) -> Found | None:
    """The unsafe operation behind the first gradient that is not finite, which appeared at this node: the node itself, or the
    one before it that made the value by which the gradient was multiplied. None if it is neither; the graph must still be
    there. `site` is the call of backward, `loss` the one that computed the loss, if that is known."""
    owners = objective.nodes_of(reached)
    if graph.name(node) not in UNSAFE:
        made = [each for each in _back(node, owners)[1:] if graph.name(each) in UNSAFE and _spoils(each)]
        if not made:
            return None
        node = made[0]
    after = next((owners[each] for each in _back(node, owners) if each in owners), None)
    operation, names, operators = UNSAFE[graph.name(node)]
    files = [*_loss_files(reached, site), *([loss.filename] if loss is not None else [])]
    return Found(operation, after, _line(files, names, operators, site))


def _order(layer: LayerState) -> int:
    return layer.facts.order or 0


def _between(
    start: Any,
    owners: dict[Any, LayerState],
    files: Iterable[str],
    site: CallSite | None,
    kinds: Collection[str] = UNSAFE,
) -> Found | None:
    """The unsafe operation nearest to a layer, on the ways from `start` back to the layers."""
    unsafe = [node for node in _back(start, owners) if graph.name(node) in kinds and not _is_plain_power(node)]
    if kinds is UNSAFE:
        proofs = {node: _spoils(node) for node in unsafe}
        unsafe = [node for node in unsafe if proofs[node]] or [node for node in unsafe if proofs[node] is None]
    if not unsafe:
        return None
    after = next((owners[node] for node in _back(unsafe[-1], owners) if node in owners), None)
    operation, names, operators = UNSAFE[graph.name(unsafe[-1])]
    return Found(operation, after, _line(files, names, operators, site))


def _on_data(layer: LayerState, reached: Sequence[Model]) -> Found | None:
    """The unsafe operation that made what a layer is given out of data, of which no graph is kept: the one on the line that made
    the argument of the layer's call, as the module around the layer has it in its class."""
    call = next((found for model in reached if (found := _call_of(layer, model)) is not None), None)
    made = argument_made_at(*call, 0, "input") if call is not None else None
    if call is None or made is None:
        return None
    kinds = {
        operation
        for operation, names, operators in UNSAFE.values()
        if made.line in lines_with(call[0], names, operators)
    }
    return Found(kinds.pop(), None, made) if len(kinds) == 1 else None


def _call_of(layer: LayerState, model: Model) -> tuple[str, ast.Call] | None:
    """The file and the one call of a layer in the class of the module that has it as an attribute."""
    named = dict(model.root.named_modules()) if model.root is not None else {}
    path = next((name for name, module in named.items() if name and module is layer.module), "")
    around, _, attribute = path.rpartition(".")
    parent = type(named[around]) if path and around in named else None
    if parent is None or not _has_file(parent):
        return None
    filename, (text, start) = inspect.getsourcefile(parent) or "", inspect.getsourcelines(parent)
    calls = [
        call
        for call in calls_in(filename)
        if start <= call.lineno < start + len(text)
        and called(call) == attribute
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "self"
    ]
    return (filename, calls[0]) if len(calls) == 1 and is_user_file(filename) else None


def _spoils(node: Any) -> bool | None:
    """True if the values that an operation kept for its backward pass show that it made NaN or infinity, False if they
    show that it did not, None if it kept none that tell."""
    kind = graph.name(node)
    given, other, result = (graph.saved(node, each) for each in ("self", "other", "result"))
    if kind == "DivBackward" and other is not None:
        return bool((torch.as_tensor(other) == 0).any())
    if kind.startswith("Log") and isinstance(given, Tensor):
        return bool((given <= (-1 if kind == "Log1PBackward" else 0)).any())
    if isinstance(result, Tensor):
        return not bool(torch.isfinite(result).all())
    return None


def _is_plain_power(node: Any) -> bool:
    """True for a square, a cube and the like, which have a finite value and slope everywhere."""
    exponent = graph.saved(node, "exponent")
    return isinstance(exponent, int | float) and exponent >= 1 and float(exponent).is_integer()


def _back(start: Any, owners: dict[Any, LayerState]) -> list[Any]:
    """The nodes behind `start`, nearest first, up to and including the layers."""
    found: dict[Any, None] = {}
    waiting = [start] if start is not None else []
    while waiting and len(found) < 1000:
        node = waiting.pop(0)
        if node not in found:
            found[node] = None
            waiting += [] if node in owners else graph.parents(node)
    return list(found)


def _line(
    files: Iterable[str], names: tuple[str, ...], operators: tuple[type[ast.operator], ...], site: CallSite | None
) -> Source | None:
    """The first line of the files with one of these functions or else operators, of those that a step may run."""
    for filename in files:
        found = (lines_with(filename, names), lines_with(filename, (), operators))
        here = [[line for line in each if site is None or runs_beside(filename, line, site)] for each in found]
        lines = here[0] or here[1]
        if lines:
            return place(filename, lines[0])
    return None


def _forward_files(models: Sequence[Model]) -> list[str]:
    classes = {type(module) for model in models if model.root is not None for module in model.root.modules()}
    files = {inspect.getsourcefile(cls) or "" for cls in classes if cls.__module__ != "builtins" and _has_file(cls)}
    return sorted(name for name in files if is_user_file(name))


def _has_file(cls: type) -> bool:
    try:
        return bool(inspect.getsourcefile(cls))
    except TypeError:
        return False


def _loss_files(models: Sequence[Model], site: CallSite | None) -> list[str]:
    return ([site.filename] if site else []) + _forward_files(models)
