"""The operations of a Keras model, in the order in which it carries them out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
from keras import KerasTensor, tree

from deeplocalize.frameworks.keras import describe
from deeplocalize.frameworks.operations import Names, Operation, Ref, map_refs

INSIDE = {
    "recurrent": "a recurrent layer: its activations are inside the recursion",
    "attention": "attention: its softmax is inside",
}


class Planned(NamedTuple):
    """An operation of the model and the Keras object that carries it out.

    Attributes:
        split: it is carried out without the layer's activation.
        variables: those that an operation outside of any layer is given, by name.
    """

    operation: Operation
    target: Any
    split: bool = False
    variables: Mapping[str, Any] = MappingProxyType({})


def is_graph(model: Any) -> bool:
    """True for a functional model whose forward pass is its graph."""
    functional = keras.src.models.functional.Functional
    return isinstance(model, functional) and type(model).call is functional.call


def is_sequence(model: Any) -> bool:
    """True for a Sequential model whose forward pass is its layers one after the other."""
    return isinstance(model, keras.Sequential) and type(model).call is keras.Sequential.call


def plan(model: keras.Model, x: Any) -> tuple[list[Planned], Any]:
    """The operations, and references to the model's answer in its structure.

    A model that is neither Sequential nor functional is one operation.
    """
    planner = _Planner()
    if is_graph(model):
        count = len(model.inputs)
        given = [Ref("value", "x" if count == 1 else f"x.{at}") for at in range(count)]
        return planner.planned, planner.graph(model, given, "")
    leaves = tree.flatten(x)
    names = iter(["x"] if len(leaves) == 1 else [f"x.{at}" for at in range(len(leaves))])
    given = tree.map_structure(lambda _: Ref("value", next(names)), x)
    if is_sequence(model):
        return planner.planned, planner.sequence(model, given, "")
    return planner.planned, planner.operation(model, (given,), {}, "")


class _Planner:
    def __init__(self) -> None:
        self.planned: list[Planned] = []
        self._names = Names()

    def sequence(self, model: keras.Sequential, given: Any, prefix: str) -> Any:
        """The operations of a Sequential model; returns references to its answer."""
        for layer in model.layers:
            given = self.operation(layer, (given,), {}, prefix)
        return given

    def graph(self, model: Any, given: list[Ref], prefix: str) -> Any:
        """The operations of a functional model, in Keras's own order; returns references to its answer."""
        refs = {id(tensor): ref for tensor, ref in zip(model.inputs, given, strict=True)}
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if node.is_input or any(id(each) not in refs for each in node.input_tensors):
                    continue
                args, kwargs = _referring(node.arguments.args, refs), _referring(node.arguments.kwargs, refs)
                made = self.operation(node.operation, args, kwargs, prefix, len(node.outputs))
                refs |= zip(map(id, node.outputs), _flat(made), strict=True)
        return _referring(model._outputs_struct, refs)

    def operation(self, target: Any, args: Any, kwargs: dict[str, Any], prefix: str, outputs: int = 1) -> Any:
        """One operation, or those of a model in the model; returns references to what it makes."""
        inner = f"{prefix}{target.name}."
        if is_sequence(target) and not kwargs:
            return self.sequence(target, args[0], inner)
        if is_graph(target) and not kwargs:
            return self.graph(target, _flat(args), inner)
        path = prefix + target.name
        if getattr(target, "_call_has_training_arg", False):
            kwargs = {**kwargs, "training": True}
        split = activation_of(target)
        kind = "layer" if isinstance(target, keras.layers.Layer) else "operation"
        made = self._add(path, f"{kind}:{path}", target, (args, kwargs), outputs, split is not None)
        if split is None:
            return made
        word = getattr(split, "__name__", None) or split.name
        return self._add(f"{path}.{word}", f"activation:{path}", split, ((made,), {}), 1, False)

    def _add(self, path: str, target: str, call: Any, arguments: Any, outputs: int, split: bool) -> Any:
        args, kwargs = arguments
        name = self._names.new(path)
        names = [name] if outputs == 1 else [f"{name}.{at}" for at in range(outputs)]
        inputs = list(dict.fromkeys(ref.name for ref in _flat((args, kwargs))))
        operation = Operation(name, target, args, kwargs, tuple(inputs), tuple(names), unsplit=inside(call))
        self.planned.append(Planned(operation, call, split))
        refs = [Ref("value", each) for each in names]
        return refs[0] if outputs == 1 else refs


def activation_of(target: Any) -> Any:
    """The nonlinearity that a layer of Keras applies to what it makes, last of all; None if it cannot be set apart."""
    if not isinstance(target, keras.layers.Layer) or describe.kind_of(target) not in ("dense", "conv"):
        return None
    if not type(target).__module__.startswith("keras.") or target.activity_regularizer is not None:
        return None
    activation = getattr(target, "activation", None)
    return None if activation in (None, keras.activations.linear) else activation


def inside(target: Any) -> str | None:
    """What happens inside of an operation that cannot be taken apart, None if there is nothing to say."""
    if isinstance(target, keras.Model):
        return "a model with a call of your own"
    if not isinstance(target, keras.layers.Layer):
        return None
    if not type(target).__module__.startswith("keras."):
        return "a layer of your own"
    return INSIDE.get(describe.kind_of(target))


def _referring(structure: Any, refs: dict[int, Ref]) -> Any:
    """A structure with a reference in the place of each symbolic tensor."""
    return tree.map_structure(lambda each: refs[id(each)] if isinstance(each, KerasTensor) else each, structure)


def _flat(structure: Any) -> list[Ref]:
    found: list[Ref] = []
    map_refs(found.append, structure)
    return found
