"""One training step, seen from inside while it is traced (tensorflow, jax) or run (torch, run_eagerly).

The user's own train_step runs; what it calls is wrapped for as long as it runs: layers, the model's compute_loss, the
optimizer's apply. A wrapper calls the original with the same arguments and never changes a value. Numbers that are seen
are gathered as tensors of the backend and returned from the step as one vector.
"""

from __future__ import annotations

import contextlib
import functools
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from deeplocalize.frameworks.keras import describe, objectives, statistics
from deeplocalize.frameworks.keras.describe import Leaf, Leaves
from deeplocalize.frameworks.keras.flow import Flow, Term
from deeplocalize.frameworks.keras.guard import Guard
from deeplocalize.frameworks.keras.parameters import Parameters
from deeplocalize.frameworks.keras.sites import leave_traceback
from deeplocalize.frameworks.keras.wrap import replaced

FUNCTIONS = frozenset(
    (
        "relu relu6 sigmoid softplus softsign silu log_sigmoid leaky_relu hard_sigmoid hard_silu elu selu gelu celu "
        "softmax log_softmax mish hard_tanh tanh"
    ).split()
)
"""Nonlinearities of Keras that a program may call as functions, outside of any layer."""


_LOSS_ARGUMENTS = ("x", "y", "y_pred", "sample_weight")


class Observation:
    """What one run (or trace) of a train step showed.

    Attributes:
        scope: the computation (graph, trace) that the step is part of.
        full: gather all statistics; otherwise the loss, the learning rate and whether values are finite.
        terms: what each loss term was given.
        weighted: examples have weights.
        stage: (stage, index of a layer or None) of what is going on, for the report of an exception.
    """

    def __init__(self, model: Any, leaves: Leaves, safe: Guard, on: Any, full: bool) -> None:
        self.full = full
        self.values: dict[statistics.Key, Any] = {}
        self.rows: dict[str, Any] = {}
        self.flow = Flow()
        self.weighted = False
        self.stage: tuple[str, int | None] = ("other", None)
        self.terms: list[Term] = []
        self.model, self.leaves, self.on, self._safe = model, leaves, on, safe
        self._thread = threading.get_ident()
        self._inside: Leaf | None = None
        self._open = True
        self.scope: Any = None
        self._ran: set[int] = set()
        self._taps = on.GradientTaps()
        self._samples = statistics.Samples()
        self._seen: set[tuple[str, int]] = set()
        self._parameters = Parameters(self)

    # ---- what the wrappers need ---------------------------------------------------------------------------------

    def usable(self, value: Any) -> bool:
        """True if a value can leave the step that is watched."""
        return self._open and self.on.usable(value, self.scope)

    def see(self, role: str, layer: int, values: Any) -> None:
        """Gather what statistics need of an activation or its like, [examples, ...].

        Of a layer that is called again in the same step, only the non-finite elements are added.
        """
        if (role, layer) in self._seen:
            self.values[role, layer, "more nonfinite"] = self.on.count(values)
            return
        self._seen.add((role, layer))
        read, whole, most = statistics.sampled_examples(values)
        self._samples.add(role, layer, ops.reshape(read, [-1]), most)
        if not whole:
            self.values[role, layer, "nonfinite"] = self.on.count(values)

    def see_parameters(self, role: str, layer: int, samples: list[Any], kernels: list[Any], rest: list[Any]) -> None:
        """Gather what statistics need of a layer's kernels. `rest` are its other parameters: whether they are finite."""
        self._samples.add(role, layer, ops.concatenate(samples))
        if any(statistics.element_stride(math.prod(each.shape)) > 1 for each in kernels):
            self.values[role, layer, "nonfinite"] = self.on.count(*kernels, *rest)
        elif rest:
            self._samples.add(
                role + statistics.REST, layer, ops.concatenate([ops.reshape(each, [-1]) for each in rest])
            )

    def suspect(self, role: str, layer: int, *values: Any) -> None:
        """Keep whether all of the values are finite."""
        count = self.on.suspicion(*values)
        earlier = self.values.get((role, layer, "nonfinite"))
        self.values[role, layer, "nonfinite"] = count if earlier is None else earlier + count

    def scalar(self, name: str, value: Any) -> None:
        """Keep a quantity of the whole step."""
        self.values["step", 0, name] = value

    # ---- the step -----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def watching(self, arguments: tuple[Any, ...]) -> Iterator[None]:
        """While this is entered, everything the step calls is watched. `arguments` are those of train_step."""
        self.scope = self._safe("train step", self.on.scope_of, arguments)
        self._safe("batch", self._see_batch, arguments)
        self._safe("parameters", self._parameters.begin, arguments)
        with contextlib.ExitStack() as stack:
            self._safe("train step", self._wrap, stack)
            yield
        self.stage = ("other", None)

    def _wrap(self, stack: contextlib.ExitStack) -> None:
        stack.enter_context(replaced(keras.layers.Layer, "__call__", self._layer_call))
        stack.enter_context(replaced(self.model, "compute_loss", self._compute_loss))
        for optimizer in objectives.optimizers(self.model):
            name = "stateless_apply" if keras.backend.backend() == "jax" else "apply"
            stack.enter_context(replaced(optimizer, name, functools.partial(self._apply, optimizer)))
        if self.full:
            stack.enter_context(self._taps.active())
            for name in FUNCTIONS & set(dir(keras.src.backend.nn)):
                stack.enter_context(replaced(keras.src.backend.nn, name, functools.partial(self._function, name)))

    def result(self, layouts: dict[tuple[statistics.Key, ...], int]) -> dict[str, Any]:
        """What the step returns besides its own result: all numbers as one vector, and rows of the batch.

        The vector's first element is the number of its layout; `layouts` gathers them.
        """
        self._safe("parameters", self._parameters.end)
        groups = self._samples.numbers()
        self._open = False
        keys = (*self.values, *(key for names, _ in groups for key in names))
        layout = layouts.setdefault(keys, len(layouts))
        vector = self.on.vector([float(layout), *self.values.values()])
        if groups:
            vector = ops.concatenate([vector, *(numbers for _, numbers in groups)])
        return {"vector": vector, "rows": self.rows}

    def _see_batch(self, arguments: tuple[Any, ...]) -> None:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(arguments[-1])
        for name, value in _named(x, self.model).items():
            value = _tensor(value)
            if not self.usable(value) or not value.shape:
                continue
            self.values.setdefault(("step", 0, "batch_size"), ops.shape(value)[0])
            if _is_float(value):
                self.values["input", 0, name] = self._nonfinite(value)
            if self.full:
                self.rows["input:" + name] = statistics.sampled_rows(value)
        floats = [each for each in map(_tensor, tree.flatten(y)) if self.usable(each) and _is_float(each)]
        if floats:
            self.scalar("target.nonfinite", self._nonfinite(*floats))

    def _nonfinite(self, *values: Any) -> Any:
        return (self.on.count if self.full else self.on.suspicion)(*map(self.on.detached, values))

    # ---- layers -------------------------------------------------------------------------------------------------

    def _layer_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            leaf = self._leaf_of(layer, args)
            outer, self.stage = self.stage, ("forward", leaf.index) if leaf else self.stage
            try:
                with self._in_leaf(leaf):
                    outputs = original(layer, *args, **kwargs)
            except BaseException as error:
                leave_traceback(error)
                raise
            self.stage = outer
            seen = self._safe("layer", self._layer_ran, leaf, args, kwargs, outputs) if leaf else None
            return outputs if seen is None else seen

        return call

    def _leaf_of(self, layer: Any, args: tuple[Any, ...]) -> Leaf | None:
        if threading.get_ident() != self._thread:
            return None
        if self._inside is not None:
            self._safe("activation", self._see_inner, layer, args)
            return None
        return self._safe("layer", self.leaves.find, layer)

    @contextlib.contextmanager
    def _in_leaf(self, leaf: Leaf | None) -> Iterator[None]:
        if leaf is None or leaf.own_only:
            yield
            return
        self._inside = leaf
        function = vars(leaf.layer).get("activation")
        plain = self.full and callable(function) and not isinstance(function, keras.layers.Layer)
        try:
            if plain and leaf.activation != "linear":
                with replaced(leaf.layer, "activation", functools.partial(self._own_activation, leaf)):
                    yield
            else:
                yield
        finally:
            self._inside = None

    def _own_activation(self, leaf: Leaf, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def activation(values: Any, *args: Any, **kwargs: Any) -> Any:
            self._safe("preactivation", self._see_preactivation, leaf, values)
            return original(values, *args, **kwargs)

        return activation

    def _see_inner(self, layer: Any, args: tuple[Any, ...]) -> None:
        if self.full and self._inside is not None and getattr(self._inside.layer, "activation", None) is layer and args:
            self._see_preactivation(self._inside, args[0])

    def _see_preactivation(self, leaf: Leaf, values: Any) -> None:
        values = self.on.detached(values)
        if self.usable(values) and _is_float(values):
            self.see("preactivation", leaf.index, values)

    def _layer_ran(self, leaf: Leaf, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> Any:
        flat = [outputs] if ops.is_tensor(outputs) else tree.flatten(outputs)
        at = next((at for at, each in enumerate(flat) if ops.is_tensor(each)), None)
        if at is None:
            return None
        if not self.full:
            self._suspect_output(leaf, flat[at])
            return None
        inputs = [each for each in tree.flatten((args, kwargs)) if ops.is_tensor(each)]
        self._see_shapes(leaf, inputs, flat[at])
        tapped = self._see_output(leaf, inputs, flat[at], kwargs)
        self.flow.layer_ran(leaf, inputs, tapped)
        if tapped is flat[at]:
            return None
        flat[at] = _marked_alike(tapped, flat[at])
        return flat[at] if ops.is_tensor(outputs) else tree.pack_sequence_as(outputs, flat)

    def _suspect_output(self, leaf: Leaf, output: Any) -> None:
        if _is_float(output) and self.usable(values := self.on.detached(output)):
            self.suspect("activation", leaf.index, values)

    def _see_shapes(self, leaf: Leaf, inputs: list[Any], output: Any) -> None:
        if leaf.index not in self._ran:
            self._ran.add(leaf.index)
            leaf.shown.order = len(self._ran) - 1 if leaf.shown.order is None else leaf.shown.order
        if leaf.shown.output_shape is None:
            leaf.shown.output_shape = tuple(output.shape[1:])
            leaf.shown.input_shape = tuple(inputs[0].shape[1:]) if inputs else None

    def _see_output(self, leaf: Leaf, inputs: list[Any], output: Any, kwargs: dict[str, Any]) -> Any:
        values = self.on.detached(output)
        if not _is_float(values) or not self.usable(values):
            return output
        training = _in_training(leaf.layer, kwargs)
        if training is not None:
            self.values["layer", leaf.index, "training"] = float(training)
        if leaf.kind == "activation" and inputs:
            self._see_preactivation(leaf, inputs[0])
        self._see_activation(leaf, values, leaf.activation)
        return self._taps.tap(output, functools.partial(self._safe, "gradient", self._see_gradient, leaf))

    def _see_activation(self, leaf: Leaf, values: Any, nonlinearity: str | None) -> None:
        self.see("activation", leaf.index, values)
        if len(values.shape) >= 2:
            read, *_ = statistics.sampled_examples(values)
            found = statistics.units(read, nonlinearity, describe.channel_axis(leaf.layer, len(values.shape)))
            self.values |= {("activation", leaf.index, stat): value for stat, value in found.items()}

    def _see_gradient(self, leaf: Leaf, gradient: Any) -> None:
        if self._open:
            self.values["layer", leaf.index, "on the way"] = 1.0
        gradient = self.on.detached(gradient)
        if self.usable(gradient):
            self.see("activation_gradient", leaf.index, gradient)

    def _function(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def function(*args: Any, **kwargs: Any) -> Any:
            output = original(*args, **kwargs)
            if self._inside is None and self.stage[0] != "loss" and args and threading.get_ident() == self._thread:
                self._safe("activation", self._function_ran, name, args[0], output)
            return output

        return function

    def _function_ran(self, name: str, given: Any, output: Any) -> None:
        way = self.flow.function_ran(name, given, output)
        values = self.on.detached(output)
        if way is None or way.layer is None or way.activations or not self.usable(values):
            return
        leaf = self.leaves.all[way.layer]
        self._see_preactivation(leaf, given)
        self._seen.discard(("activation", leaf.index))  # the same values, before the function
        self._see_activation(leaf, values, name)

    # ---- loss and optimizer -------------------------------------------------------------------------------------

    def _compute_loss(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def compute_loss(*args: Any, **kwargs: Any) -> Any:
            self.stage = ("loss", None)
            try:
                loss = original(*args, **kwargs)
            except BaseException as error:
                leave_traceback(error)
                raise
            self._safe("loss", self._loss_ran, dict(zip(_LOSS_ARGUMENTS, args, strict=False)) | kwargs, loss)
            self.stage = ("backward", None)
            return loss

        return compute_loss

    def _loss_ran(self, given: dict[str, Any], loss: Any) -> None:
        self.weighted = self.weighted or given.get("sample_weight") is not None
        if ops.is_tensor(loss) and self.usable(value := self.on.detached(loss)):
            self.scalar("loss", value)
        predictions = tree.map_structure(self.on.detached, tree.flatten(given.get("y_pred")))
        floats = [each for each in predictions if self.usable(each) and _is_float(each)]
        if floats:
            self.scalar("prediction.nonfinite", self._nonfinite(*floats))
        if self.full:
            self._see_terms(given.get("y_pred"), given.get("y"))
        self.flow.forget_tensors()

    def _see_terms(self, predictions: Any, targets: Any) -> None:
        paths = [term.path for term in getattr(self.model._compile_loss, "_flat_losses", None) or ()] or [()]
        names = getattr(self.model, "output_names", None)
        self.terms = []
        for at, path in enumerate(paths):
            prediction = objectives.judged(path, at, predictions, names)
            target = _tensor(objectives.judged(path, at, targets, names))
            shape = tuple(target.shape) if target is not None else None
            self.terms.append(Term(tuple(prediction.shape), shape, self.flow.reached_loss(prediction)))
            self._keep_rows("prediction" if not at else None, prediction)
            self._keep_rows(f"target:{at}", target)

    def _keep_rows(self, name: str | None, values: Any) -> None:
        if name is not None and values is not None and self.usable(values := self.on.detached(values)) and values.shape:
            self.rows[name] = statistics.sampled_rows(values)

    def _apply(self, optimizer: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(*args: Any, **kwargs: Any) -> Any:
            outer, self.stage = self.stage, ("update", None)
            self._safe("optimizer", self._parameters.before, optimizer, args, kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                leave_traceback(error)
                raise
            self._safe("optimizer", self._parameters.after, optimizer, args, kwargs, result)
            self.stage = outer if outer[0] != "backward" else ("other", None)
            return result

        return apply


def _tensor(value: Any) -> Any:
    return ops.convert_to_tensor(value) if isinstance(value, np.ndarray) else value


def _is_float(value: Any) -> bool:
    return "float" in str(value.dtype)


def _named(x: Any, model: Any) -> dict[str, Any]:
    if isinstance(x, dict):
        return {str(name): value for name, value in x.items()}
    flat = [each for each in tree.flatten(x) if each is not None]
    names = describe.input_names(model)
    if len(names) != len(flat):
        names = ["input" if not at else f"input.{at}" for at in range(len(flat))]
    return dict(zip(names, flat, strict=True))


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
