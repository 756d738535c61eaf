"""A forward pass of a Keras program, one operation at a time, each with its vector-Jacobian product."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import tree

from deeplocalize.frameworks.imperative import Call
from deeplocalize.frameworks.keras import vjp as vjps
from deeplocalize.frameworks.keras.plan import Planned
from deeplocalize.frameworks.keras.vjp import vjp
from deeplocalize.frameworks.operations import Operation, Ref, map_refs
from deeplocalize.frameworks.replaced import replaced


@dataclass(frozen=True)
class Judged:
    """What the loss is made of.

    Attributes:
        prediction: references to the model's answer.
        arguments: what the loss is called with, with references.
        loss: makes a number of the arguments, in which tensors are in the place of references.
    """

    prediction: Any
    arguments: tuple[Any, ...]
    loss: Callable[..., Any]


class Passes:
    """Carries out planned operations and the loss.

    Args:
        weights: the weights that are trained, as of now.
        name: of a weight.
    """

    def __init__(self, weights: Callable[[], Sequence[Any]], name: Callable[[Any], str]) -> None:
        self._weights, self._name = weights, name
        self._compiled: dict[str, list[Any]] = defaultdict(list)
        self._penalties: list[str] = []

    def forward(self, planned: Sequence[Planned], judged: Judged, given: Mapping[str, Any]) -> list[Call]:
        """The operations, what regularizers make of the weights, and the loss; `given`: tensors by name."""
        self._penalties = []
        values, calls = dict(given), []
        for each in planned:
            calls.append(self._carry_out(each, values))
        calls += self._regularizers(values)
        calls.append(self._judge(judged, values))
        return calls

    def _carry_out(self, planned: Planned, values: dict[str, Any]) -> Call:
        operation, target, split = planned[:3]
        layer = target if isinstance(target, keras.layers.Layer) else None
        states = layer.non_trainable_variables if layer is not None else []
        weights = layer.trainable_variables if layer is not None else list(planned.variables.values())

        def function(*given: Any) -> list[Any]:
            named = {**dict(zip(operation.inputs, given, strict=True)), **planned.variables}
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
                self._penalties.append(names[-1])
        values |= zip(names, made, strict=True)
        return Call(dataclasses.replace(operation, outputs=tuple(names)), made, self._named_pull(pull, weights))

    def _regularizers(self, values: dict[str, Any]) -> Iterator[Call]:
        """What regularizers make of the weights."""
        weights = [each for each in self._weights() if each.regularizer is not None]
        if weights:
            made, pull = vjp(lambda: [sum(each.regularizer(each) for each in weights)], [], weights, [], [])
            values["regularizers"] = made[0]
            self._penalties.append("regularizers")
            operation = Operation("regularizers", "regularizers", (), outputs=("regularizers",))
            yield Call(operation, made, self._named_pull(pull, weights))

    def _judge(self, judged: Judged, values: dict[str, Any]) -> Call:
        """The loss. On tensorflow, Keras takes it of what went into the last softmax or sigmoid, if it knows that."""
        behind = [getattr(values[name], "_keras_logits", None) for name in _names(judged.prediction)]
        logits = [name for name, value in values.items() if any(value is each for each in behind)]
        read = list(dict.fromkeys([*_names(judged.prediction), *logits, *self._penalties, *_names(judged.arguments)]))

        def function(*given: Any) -> list[Any]:
            named = dict(zip(read, given, strict=True))
            arguments = map_refs(lambda ref: named[ref.name], judged.arguments)
            return [sum((named[name] for name in self._penalties), judged.loss(*arguments))]

        made, pull = vjp(function, [values[name] for name in read], [], [], self._compiled["loss"])
        kwargs = {"penalties": [Ref("value", name) for name in self._penalties]}
        operation = Operation("loss", "loss", judged.arguments, kwargs, tuple(read), ("loss",))
        return Call(operation, made, self._named_pull(pull, []))

    def _named_pull(self, pull: Callable[..., Any], weights: Sequence[Any]) -> Callable[..., Any]:
        """The vector-Jacobian product with the weights' gradients by name."""
        names = [self._name(each) for each in weights]

        def pull_by_name(gradients: Sequence[Any]) -> Any:
            at_inputs, at_weights = pull(gradients)
            return at_inputs, {name: each for name, each in zip(names, at_weights, strict=True) if each is not None}

        return pull_by_name


def _linear(_: Any) -> Any:
    return keras.activations.linear


def _names(refs: Any) -> list[str]:
    found: list[str] = []
    map_refs(lambda ref: found.append(ref.name), refs)
    return found
