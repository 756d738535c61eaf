"""What a step shows of the layers it calls, and of nonlinearities called as functions between them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras
from keras import ops, tree

from deeplocalize.frameworks.keras import describe, statistics
from deeplocalize.frameworks.keras.describe import Leaf
from deeplocalize.frameworks.keras.flow import Flow
from deeplocalize.frameworks.keras.sites import line, own_call
from deeplocalize.frameworks.replaced import replaced
from deeplocalize.frameworks.session import leave_traceback
from deeplocalize.frameworks.source import CallSite, user_call

if TYPE_CHECKING:
    from deeplocalize.frameworks.keras.observation import Observation

FUNCTIONS = frozenset(
    (
        "relu relu6 sigmoid softplus softsign silu log_sigmoid leaky_relu hard_sigmoid hard_silu elu selu gelu celu "
        "softmax log_softmax mish hard_tanh tanh"
    ).split()
)
"""Nonlinearities of Keras that a program may call as functions, outside of any layer."""


class LayerCalls:
    """Wraps Layer.__call__ for the length of a step; see Observation.

    Attributes:
        flow: the ways of the tensors between the layers.
        called: where a train step of the user's own calls the model.
    """

    def __init__(self, seen: Observation) -> None:
        self.flow = Flow()
        self.called: CallSite | None = None
        self._seen, self._on, self._safe = seen, seen.on, seen.safe
        self._thread = threading.get_ident()
        self._inside: Leaf | None = None
        self._model_calls = False
        self._ran: set[int] = set()

    def wrap(self, stack: contextlib.ExitStack) -> None:
        """Begin to watch, until the stack is left."""
        stack.enter_context(replaced(keras.layers.Layer, "__call__", self._call))
        if keras.backend.backend() == "jax":  # there it is not the model's __call__ that Keras calls
            stack.enter_context(replaced(self._seen.model, "stateless_call", self._stateless_call))
        if self._seen.full:
            functions = keras.src.backend.nn
            for name in FUNCTIONS & set(dir(functions)):
                stack.enter_context(replaced(functions, name, functools.partial(self._function, name)))

    # ---- a layer's call -----------------------------------------------------------------------------------------

    def _call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if layer is self._seen.model and self.called is None:
                self.called = self._safe("layer", own_call, layer, sys._getframe(1))
            leaf = self._leaf_of(layer, args)
            outer = self._seen.stage
            self._seen.stage = ("forward", leaf.index) if leaf else outer
            try:
                with self._in_leaf(leaf), self._in_model(layer):
                    outputs = original(layer, *args, **kwargs)
            except BaseException as error:
                leave_traceback(error)
                raise
            self._seen.stage = outer
            seen = self._safe("layer", self._ended, leaf, args, kwargs, outputs) if leaf else None
            return outputs if seen is None else seen

        return call

    def _leaf_of(self, layer: Any, args: tuple[Any, ...]) -> Leaf | None:
        if threading.get_ident() != self._thread:
            return None
        if self._inside is not None:
            self._safe("activation", self._see_inner, layer, args)
            if self._inside.kind != "custom":
                return None
        return self._safe("layer", self._seen.leaves.find, layer, self._model_calls)

    def _stateless_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def stateless_call(*args: Any, **kwargs: Any) -> Any:
            with self._in_model(self._seen.model):
                return original(*args, **kwargs)

        return stateless_call

    @contextlib.contextmanager
    def _in_model(self, layer: Any) -> Iterator[None]:
        if layer is not self._seen.model:
            yield
            return
        self._model_calls = True
        try:
            yield
        finally:
            self._model_calls = False

    @contextlib.contextmanager
    def _in_leaf(self, leaf: Leaf | None) -> Iterator[None]:
        if leaf is None or leaf.own_only:
            yield
            return
        outer, self._inside = self._inside, leaf
        function = vars(leaf.layer).get("activation")
        plain = self._seen.full and callable(function) and not isinstance(function, keras.layers.Layer)
        try:
            if plain and leaf.activation != "linear":
                with replaced(leaf.layer, "activation", functools.partial(self._own_activation, leaf)):
                    yield
            else:
                yield
        finally:
            self._inside = outer

    def _own_activation(self, leaf: Leaf, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def activation(values: Any, *args: Any, **kwargs: Any) -> Any:
            self._safe("preactivation", self._see_preactivation, leaf, values)
            return original(values, *args, **kwargs)

        return activation

    def _see_inner(self, layer: Any, args: tuple[Any, ...]) -> None:
        leaf = self._inside
        if self._seen.full and leaf is not None and getattr(leaf.layer, "activation", None) is layer and args:
            self._see_preactivation(leaf, args[0])

    # ---- what it took and gave ----------------------------------------------------------------------------------

    def _ended(self, leaf: Leaf, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> Any:
        """Look at a call; returns what is to go on in the place of its outputs, None for the outputs themselves."""
        flat = [outputs] if ops.is_tensor(outputs) else tree.flatten(outputs)
        at = next((at for at, each in enumerate(flat) if ops.is_tensor(each)), None)
        if at is None:
            return None
        if not self._seen.full:
            self._suspect(leaf, args, flat[at])
            return None
        inputs = [each for each in tree.flatten((args, kwargs)) if ops.is_tensor(each)]
        self._see_facts(leaf, inputs, flat[at])
        if not kwargs.get("use_causal_mask") and kwargs.get("attention_mask") is None:
            self.flow.attention_takes(leaf, inputs)
        tapped = self._see_output(leaf, inputs, flat[at], kwargs)
        self.flow.layer_ran(leaf, inputs, tapped)
        if tapped is flat[at]:
            return None
        flat[at] = _marked_alike(tapped, flat[at])
        return flat[at] if ops.is_tensor(outputs) else tree.pack_sequence_as(outputs, flat)

    def _suspect(self, leaf: Leaf, args: tuple[Any, ...], output: Any) -> None:
        if leaf.shown.behind_operation and args and ops.is_tensor(args[0]):
            self._suspect_values("input", leaf, args[0])
        self._suspect_values("activation", leaf, output)

    def _suspect_values(self, role: str, leaf: Leaf, values: Any) -> None:
        if self._seen.takes(values := self._on.detached(values)):
            self._seen.suspect(role, leaf.index, values)

    def _see_facts(self, leaf: Leaf, inputs: list[Any], output: Any) -> None:
        if leaf.index in self._ran:
            return
        self._ran.add(leaf.index)
        shown = leaf.shown
        shown.order = len(self._ran) - 1 if shown.order is None else shown.order
        shown.output_shape = shown.output_shape or tuple(output.shape[1:])
        if inputs:
            shown.input_shape = shown.input_shape or tuple(inputs[0].shape[1:])
            shown.behind_operation = len(self._ran) > 1 and not self.flow.made_by_layer(inputs[0])

    def _see_output(self, leaf: Leaf, inputs: list[Any], output: Any, kwargs: dict[str, Any]) -> Any:
        values = self._on.detached(output)
        if not self._seen.takes(values):
            return output
        training = _in_training(leaf.layer, kwargs)
        if training is not None:
            self._seen.values["layer", leaf.index, "training"] = float(training)
        if leaf.shown.behind_operation and inputs:
            self._suspect_values("input", leaf, inputs[0])
        if leaf.kind == "activation" and inputs:
            self._see_preactivation(leaf, inputs[0])
        self._see_activation(leaf, values, leaf.activation)
        trained = None if leaf.registered else next(iter(self._seen.model.trainable_variables), None)
        return self._seen.taps.tap(output, functools.partial(self._safe, "gradient", self._see_gradient, leaf), trained)

    def _see_preactivation(self, leaf: Leaf, values: Any) -> None:
        if self._seen.takes(values := self._on.detached(values)):
            self._seen.see("preactivation", leaf.index, values)

    def _see_activation(self, leaf: Leaf, values: Any, nonlinearity: str | None) -> None:
        read = self._seen.see("activation", leaf.index, values)
        if read is not None and len(values.shape) >= 2:
            found = statistics.units(read, nonlinearity, describe.channel_axis(leaf.layer, len(values.shape)))
            self._seen.values |= {("activation", leaf.index, stat): value for stat, value in found.items()}

    def _see_gradient(self, leaf: Leaf, gradient: Any) -> None:
        self._seen.reached(leaf.index)
        if self._seen.takes(gradient := self._on.detached(gradient)):
            self._seen.see("activation_gradient", leaf.index, gradient)

    # ---- functions between layers -------------------------------------------------------------------------------

    def _function(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def function(*args: Any, **kwargs: Any) -> Any:
            output = original(*args, **kwargs)
            outside = self._inside is None and self._seen.stage[0] != "loss" and threading.get_ident() == self._thread
            if outside and args:
                axis = kwargs.get("axis", args[1] if len(args) > 1 else -1)
                self._safe("activation", self._function_ran, name, args[0], output, axis)
            return output

        return function

    def _function_ran(self, name: str, given: Any, output: Any, axis: Any) -> None:
        known = self.flow.inner_softmax
        way = self.flow.function_ran(name, given, output, axis)
        found = self.flow.inner_softmax
        if found is not None and found is not known:
            called = line(user_call(sys._getframe(1)))
            self.flow.inner_softmax = found[0], dataclasses.replace(found[1], source=called)
        values = self._on.detached(output)
        if way is None or way.layer is None or way.activations or not self._seen.takes(values):
            return
        leaf = self._seen.leaves.all[way.layer]
        self._see_preactivation(leaf, given)
        self._seen.forget("activation", leaf.index)  # the same values, before the function
        self._see_activation(leaf, values, name)


def _in_training(layer: Any, kwargs: dict[str, Any]) -> bool | None:
    training = kwargs.get("training")
    if training is None:
        context = keras.src.backend.common.global_state.get_global_attribute("current_call_ctx")
        training = getattr(context, "training", None)
    if not isinstance(training, bool | int):
        return None
    frozen = describe.kind_of(layer) == "batch-norm" and not layer.trainable
    return bool(training) and not frozen


def _marked_alike(tensor: Any, like: Any) -> Any:
    """The tensor with what Keras hangs on tensors: masks, and the logits behind a softmax."""
    for name in ("_keras_mask", "_keras_logits"):
        if hasattr(like, name):
            setattr(tensor, name, getattr(like, name))
    return tensor
