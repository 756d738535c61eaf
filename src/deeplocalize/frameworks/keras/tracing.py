"""What a Keras model and its loss consist of, where Python decides it: found out by calling them with symbolic tensors.

A model with a call of its own, a layer of the user's, a loss that is a function: each is called once with KerasTensors, which
have a shape and no values, and what it calls is noted. A layer of Keras's own is one operation, its nonlinearity another.
Nothing is put into the user's layers: no node of Keras's graph is made.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops, tree

from deeplocalize.frameworks.keras.plan import Planned, activation_of, inside
from deeplocalize.frameworks.operations import Names, Operation, Ref, map_refs
from deeplocalize.frameworks.replaced import replaced
from deeplocalize.frameworks.source import user_call
from deeplocalize.frameworks.stored import CannotStoreError
from deeplocalize.trace.schema import Source

NO_LAYERS = ("Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer")
"""Layers of Keras whose work is the user's, or another library's."""


class Tracer:
    """Notes the operations of what is called while `running` is entered.

    Attributes:
        planned: the operations.
        lines: for each of them the user's line that calls it, None where Keras does.
        constants: tensors and arrays that operations are given and no other made, by name.
        added: what layers add to the loss.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        """`names`: those of the variables, by their ids."""
        self.planned: list[Planned] = []
        self.lines: list[Source | None] = []
        self.constants: dict[str, np.ndarray] = {}
        self.added: list[KerasTensor] = []
        self._variables = names
        self._names = Names()
        self._refs: dict[int, Ref] = {}
        self._alive: list[KerasTensor] = []
        self._inside: list[str] = []
        self._root: FrameType | None = None
        self._model: Any = None

    def give(self, name: str, shape: tuple[int, ...], dtype: str) -> KerasTensor:
        """A symbolic tensor for a value that the program is given."""
        return self._know(KerasTensor(shape, dtype=dtype), name)

    def refer(self, made: Any) -> Any:
        """References to symbolic tensors, in their structure."""
        return tree.map_structure(lambda each: self._refs[id(each)] if isinstance(each, KerasTensor) else each, made)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While this is entered, what is called with symbolic tensors is noted."""
        self._root = sys._getframe(2)
        with (
            keras.StatelessScope(),
            replaced(keras.Operation, "symbolic_call", self._symbolic_call),
            replaced(keras.layers.Layer, "__call__", self._layer_call),
            replaced(keras.layers.Layer, "add_loss", self._add_loss),
        ):
            yield

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """While this is entered, the names of operations begin with this one."""
        self._inside.append(name)
        try:
            yield
        finally:
            self._inside.pop()

    def _symbolic_call(self, _: Callable[..., Any]) -> Callable[..., Any]:
        def symbolic_call(operation: Any, *args: Any, **kwargs: Any) -> Any:
            name = keras.src.utils.naming.to_snake_case(type(operation).__name__)
            return self._note(operation, name, (args, kwargs), operation.compute_output_spec(*args, **kwargs))

        return symbolic_call

    def _layer_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if not any(isinstance(each, KerasTensor) for each in tree.flatten((args, kwargs))):
                return original(layer, *args, **kwargs)
            return self.call(layer, *args, **kwargs)

        return call

    def _add_loss(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def add_loss(layer: Any, loss: Any) -> None:
            found = [each for each in tree.flatten(loss) if isinstance(each, KerasTensor)]
            self.added += found
            if not found:
                original(layer, loss)

        return add_loss

    # ---- layers -------------------------------------------------------------------------------------------------

    def call(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """Note what a layer or a model does with symbolic tensors; returns what it makes of them."""
        signature = inspect.signature(layer.call)
        if "training" in signature.parameters:
            given = signature.bind_partial(*args, **kwargs).arguments
            kwargs |= {} if given.get("training") is not None else {"training": True}
        elif not any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values()):
            kwargs.pop("training", None)
        if isinstance(layer, keras.Model) or not _is_of_keras(layer):
            return self._open(layer, args, kwargs)
        return self._leaf(layer, args, kwargs)

    def _open(self, layer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if layer.activity_regularizer is not None or layer.compute_dtype != layer.variable_dtype:
            what = "an activity regularizer" if layer.activity_regularizer is not None else "mixed precision"
            raise CannotStoreError(f"its layer '{layer.name}' has {what}")
        with self.inside("" if layer is self._model else layer.name):
            return layer.call(*args, **kwargs)

    def call_model(self, model: Any, given: Any) -> Any:
        """Note what the whole model does; its own name is not part of its operations' names."""
        self._model = model
        return self.call(model, given)

    def _leaf(self, layer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        known = inspect.signature(layer.compute_output_spec).parameters
        takes_all = any(each.kind is each.VAR_KEYWORD for each in known.values())
        asked = {name: value for name, value in kwargs.items() if takes_all or name in known or name != "training"}
        made = layer.compute_output_spec(*args, **asked)
        split = activation_of(layer)
        made = self._note(layer, layer.name, (args, kwargs), made, split is not None)
        if split is None:
            return made
        if isinstance(split, keras.layers.Layer) or split is getattr(
            keras.activations, getattr(split, "__name__", ""), None
        ):
            word = getattr(split, "__name__", None) or split.name
            spec = KerasTensor(made.shape, dtype=made.dtype)
            return self._note(split, f"{layer.name}.{word}", ((made,), {}), spec)
        with self.inside(layer.name):
            return split(made)

    # ---- noting it ----------------------------------------------------------------------------------------------

    def _know(self, tensor: KerasTensor, name: str) -> KerasTensor:
        self._refs[id(tensor)] = Ref("value", name)
        self._alive.append(tensor)
        return tensor

    def _note(self, target: Any, called: str, given: Any, made: Any, split: bool = False) -> Any:
        variables: dict[str, Any] = {}
        args, kwargs = tree.map_structure(lambda each: self._argument(each, variables), given)
        name = self._names.new(".".join(each for each in (*self._inside, called) if each))
        made = tree.map_structure(self._fresh, made)
        leaves = tree.flatten(made)
        names = [name] if len(leaves) == 1 else [f"{name}.{at}" for at in range(len(leaves))]
        for tensor, each in zip(leaves, names, strict=True):
            self._know(tensor, each)
        read: list[str] = []
        map_refs(lambda ref: read.append(ref.name) if ref.kind == "value" else None, (tuple(args), kwargs))
        operation = Operation(
            *(name, "", tuple(args), kwargs),
            inputs=tuple(dict.fromkeys(read)),
            outputs=tuple(names),
            unsplit=inside(target),
        )
        self.planned.append(Planned(operation, target, split, variables))
        self.lines.append(self._line())
        return made

    def _argument(self, value: Any, variables: dict[str, Any]) -> Any:
        if isinstance(value, KerasTensor):
            if id(value) not in self._refs:
                raise CannotStoreError("it uses a symbolic tensor of another model")
            return self._refs[id(value)]
        if isinstance(value, keras.Variable):
            if id(value) not in self._variables:
                raise CannotStoreError(f"it uses the variable {value.name!r}, which is not one of the model")
            name = self._variables[id(value)]
            variables[name] = value
            return Ref("weight", name)
        if isinstance(value, np.ndarray) or ops.is_tensor(value):
            name = f"constant.{len(self.constants)}"
            self.constants[name] = np.array(ops.convert_to_numpy(value))
            return Ref("value", name)
        return value.item() if isinstance(value, np.generic) else value

    def _fresh(self, tensor: Any) -> Any:
        """A symbolic tensor that is not known yet: some layers hand on what they were given."""
        known = id(tensor) in self._refs
        return KerasTensor(tensor.shape, dtype=tensor.dtype) if known else tensor

    def _line(self) -> Source | None:
        """The innermost line of the user's between the operation and what is traced."""
        site = user_call(sys._getframe(2), until=self._root)
        return site.source if site is not None else None


def _is_of_keras(layer: Any) -> bool:
    return type(layer).__module__.startswith("keras.") and type(layer).__name__ not in NO_LAYERS
