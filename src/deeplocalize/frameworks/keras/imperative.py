"""A Keras 3 model as a step-by-step program; see deeplocalize.frameworks.imperative."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.imperative import Call, Passes
from deeplocalize.frameworks.keras import vjp as vjps
from deeplocalize.frameworks.keras.history import Recorded
from deeplocalize.frameworks.keras.plan import Planned, is_graph, plan
from deeplocalize.frameworks.keras.vjp import vjp
from deeplocalize.frameworks.operations import Operation, Ref, map_refs
from deeplocalize.frameworks.replaced import replaced
from deeplocalize.frameworks.script import History


def engine(model: keras.Model, loss: Any, optimizer: Any) -> KerasEngine:
    """The program of a model. Raises UsageError if there is no loss or no optimizer."""
    if optimizer is None and getattr(model, "optimizer", None) is None:
        raise UsageError("imperative() got no optimizer, and the model is not compiled: give one, such as 'adam'")
    if loss is None and not getattr(model, "_compile_loss", None):
        raise UsageError("imperative() got no loss, and the model is not compiled with one: give one, such as 'mse'")
    chosen = model.optimizer if optimizer is None else keras.optimizers.get(optimizer)
    return KerasEngine(model, loss, chosen)


class KerasEngine:
    """See Engine."""

    def __init__(self, model: keras.Model, loss: Any, optimizer: Any) -> None:
        self.model, self.optimizer = model, optimizer
        self._loss = model._compile_loss if loss is None else keras.src.trainers.compile_utils.CompileLoss(loss)
        self._plan: Any = None
        self._recorded = Recorded(model, optimizer)
        self._given: dict[str, Any] = {}
        self._compiled: dict[str, list[Any]] = defaultdict(list)
        self._targets: dict[str, Any] = {}
        self._losses: list[str] = []

    def begin(self, x: Any) -> None:
        """See Engine."""
        if self._plan is None:
            x = _tensors(x)
            _build(self.model, x)
            self._plan = plan(self.model, x)
            self._recorded.built(self._plan[0])
        self._recorded.begin()

    def end(self, operations: tuple[Operation, ...]) -> None:
        """See Engine."""
        self._recorded.end(operations, self._given, self._loss)

    def history(self) -> History:
        """See Engine."""
        return self._recorded.history()

    def forward(self, x: Any, y: Any) -> list[Call]:
        """See Engine."""
        x, y = _tensors(x), _tensors(y)
        planned, answer = self._plan
        self._targets = dict(_named("y", y))
        self._given = _inputs(self.model, x) | self._targets
        self._losses = []
        values, calls = dict(self._given), []
        for each in planned:
            calls.append(self._carry_out(each, values))
        calls += self._regularizers(values)
        calls.append(self._judge(answer, y, values))
        return calls

    # ---- one operation ------------------------------------------------------------------------------------------

    def _carry_out(self, planned: Planned, values: dict[str, Any]) -> Call:
        operation, target, split = planned
        layer = target if isinstance(target, keras.layers.Layer) else None
        weights, states = (layer.trainable_variables, layer.non_trainable_variables) if layer is not None else ([], [])

        def function(*given: Any) -> list[Any]:
            named = dict(zip(operation.inputs, given, strict=True))
            args, kwargs = map_refs(lambda ref: named[ref.name], (operation.args, dict(operation.kwargs)))
            with replaced(target, "activation", _linear) if split else contextlib.nullcontext():
                made = tree.flatten(target(*args, **kwargs))
            return made if layer is None else vjps.with_rest(layer, made, given)

        given = [values[name] for name in operation.inputs]
        made, pull = vjp(function, given, weights, states, self._compiled[operation.name])
        names = list(operation.outputs)
        rest = made[len(names) :]
        for at, each in enumerate(rest):
            if each is getattr(made[0], "_keras_logits", None):
                names.append(f"{operation.name}.logits")
            else:
                names.append(f"{operation.name}.penalty" + (f".{at}" if at else ""))
                self._losses.append(names[-1])
        values |= zip(names, made, strict=True)
        return Call(dataclasses.replace(operation, outputs=tuple(names)), made, self._named_pull(pull, weights))

    def _regularizers(self, values: dict[str, Any]) -> Iterator[Call]:
        """What regularizers make of the weights."""
        weights = [each for each in self.model.trainable_variables if each.regularizer is not None]
        if weights:
            made, pull = vjp(lambda: [sum(each.regularizer(each) for each in weights)], [], weights, [], [])
            values["regularizers"] = made[0]
            self._losses.append("regularizers")
            operation = Operation("regularizers", "regularizers", (), outputs=("regularizers",))
            yield Call(operation, made, self._named_pull(pull, weights))

    def _judge(self, answer: Any, y: Any, values: dict[str, Any]) -> Call:
        """The loss. On tensorflow, Keras takes it of what went into the last softmax or sigmoid, if it knows that."""
        prediction = [ref.name for ref in _as_leaves(answer)]
        behind = [getattr(values[name], "_keras_logits", None) for name in prediction]
        logits = [name for name, value in values.items() if any(value is each for each in behind)]
        read = list(dict.fromkeys([*prediction, *logits, *self._losses, *self._targets]))
        truth = _refs("y", y)

        def function(*given: Any) -> list[Any]:
            named = dict(zip(read, given, strict=True))
            target, judged = map_refs(lambda ref: named[ref.name], (truth, answer))
            return [sum((named[name] for name in self._losses), self._loss(target, judged))]

        made, pull = vjp(function, [values[name] for name in read], [], [], self._compiled["loss"])
        kwargs = {"penalties": [Ref("value", name) for name in self._losses]}
        operation = Operation("loss", "loss", (truth, answer), kwargs, tuple(read), ("loss",))
        return Call(operation, made, self._named_pull(pull, []))

    def _named_pull(self, pull: Callable[..., Any], weights: Sequence[Any]) -> Callable[..., Any]:
        """The vector-Jacobian product with the weights' gradients by name."""
        names = [self._recorded.name(each) for each in weights]

        def pull_by_name(gradients: Sequence[Any]) -> Any:
            at_inputs, at_weights = pull(gradients)
            return at_inputs, {name: each for name, each in zip(names, at_weights, strict=True) if each is not None}

        return pull_by_name

    # ---- the update ---------------------------------------------------------------------------------------------

    def ones_like(self, value: Any) -> Any:
        """See Engine."""
        return ops.ones_like(value)

    def add(self, one: Any, other: Any) -> Any:
        """See Engine. On tensorflow, the gradient of an embedding may be of some rows alone, as its optimizer wants it."""
        return ops.add(one, other)

    def weights(self) -> Mapping[str, Any]:
        """See Engine."""
        return {self._recorded.name(each): each for each in self.model.trainable_variables}

    def apply(self, passes: Passes, again: Callable[[], Passes]) -> None:
        """See Engine."""
        _, gradients = passes
        weights = self.weights()
        found = [gradients.get(name) for name in weights]
        vjps.update(self.optimizer, found, list(weights.values()))

    def array(self, value: Any) -> np.ndarray:
        """See Engine."""
        return np.array(ops.convert_to_numpy(value))


def _linear(_: Any) -> Any:
    return keras.activations.linear


def _build(model: keras.Model, x: Any) -> None:
    """Have the model make its weights: a symbolic call runs nothing and draws no random numbers."""
    model(tree.map_structure(lambda each: keras.KerasTensor(each.shape, dtype=each.dtype), x))


def _tensors(value: Any) -> Any:
    """The batch as tensors of the backend, of the float type that Keras trains in, as `fit` makes them."""

    def tensor(each: Any) -> Any:
        each = ops.convert_to_tensor(each)
        return ops.cast(each, keras.config.floatx()) if "float" in str(each.dtype) else each

    return tree.map_structure(tensor, value)


def _inputs(model: keras.Model, x: Any) -> dict[str, Any]:
    """The model's inputs by the names that the plan gives them."""
    if is_graph(model):
        x = model._standardize_inputs(x)
        x = x[0] if len(x) == 1 else x
    return dict(_named("x", x))


def _named(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    leaves = tree.flatten(value)
    return ((name if len(leaves) == 1 else f"{name}.{at}", each) for at, each in enumerate(leaves))


def _refs(name: str, value: Any) -> Any:
    """References to the tensors of a structure, in that structure."""
    names = iter([each for each, _ in _named(name, value)])
    return tree.map_structure(lambda _: Ref("value", next(names)), value)


def _as_leaves(refs: Any) -> list[Any]:
    """The references of a structure: a Ref is a tuple, which Keras's trees would flatten."""
    found: list[Ref] = []
    map_refs(found.append, refs)
    return found
