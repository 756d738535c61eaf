"""The model as a step-by-step program: the slow, obvious way to train it, with every value on show.

A step of training is spelled out: each layer by itself, its nonlinearity apart from it, the loss; then the same operations
in reverse, each by its own vector-Jacobian product; then the update. Every operation is a probe point. It is what
DeepLocalize (https://arxiv.org/abs/2103.03376) wrote by hand for each program it looked at; here it is made from the
live model, and the framework differentiates each operation.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from deeplocalize.errors import UsageError
from deeplocalize.frameworks import script
from deeplocalize.frameworks.operations import Operation

FRAMEWORKS = ("keras", "torch")
"""On its torch backend a Keras model is a torch module too, so Keras comes first."""

Pull = Callable[[Sequence[Any]], tuple[Sequence[Any], Mapping[str, Any]]]

Passes = tuple[Any, Mapping[str, Any]]
"""The loss, and its gradients at the weights by name."""


class Call(NamedTuple):
    """An operation that was carried out.

    Attributes:
        values: what it made, one for each of the operation's outputs.
        pull: maps the gradients of the loss at its outputs (None where none arrived) to those at its inputs and, by
            name, at the weights it uses.
    """

    operation: Operation
    values: Sequence[Any]
    pull: Pull


@dataclass(frozen=True)
class Step:
    """Every value of one training step, as numpy arrays.

    Attributes:
        loss: the number whose gradient trained the step.
        activations: by probe point, what the operation made; `<point>.0`, `<point>.1`, ... if it made several values.
        gradients: d loss / d activation, by the same names; a name is missing where no gradient arrives.
        weights: by name, as they were before the update.
        weight_gradients: d loss / d weight; a name is missing where no gradient arrives.
        updates: weight after the update minus weight before it.
    """

    loss: float
    activations: Mapping[str, np.ndarray] = field(repr=False)
    gradients: Mapping[str, np.ndarray] = field(repr=False)
    weights: Mapping[str, np.ndarray] = field(repr=False)
    weight_gradients: Mapping[str, np.ndarray] = field(repr=False)
    updates: Mapping[str, np.ndarray] = field(repr=False)


class Engine(Protocol):
    """What a framework has to know for a model to become a program."""

    def forward(self, x: Any, y: Any) -> list[Call]:
        """Carry out the forward pass and the loss, one operation at a time; the last one's only value is the loss."""

    def ones_like(self, value: Any) -> Any:
        """A tensor of ones, shaped like the value."""

    def add(self, one: Any, other: Any) -> Any:
        """The sum of two gradients."""

    def weights(self) -> Mapping[str, Any]:
        """The weights that are trained, by name."""

    def apply(self, passes: Passes, again: Callable[[], Passes]) -> None:
        """Update the weights. `again` carries out the passes once more, for an optimizer that asks for it."""

    def begin(self, x: Any) -> None:
        """A step begins: with the first one at the latest, the model has its weights."""

    def end(self, operations: tuple[Operation, ...]) -> None:
        """The step is over."""

    def array(self, value: Any) -> np.ndarray:
        """A copy as a numpy array."""

    def history(self) -> script.History:
        """What it takes to carry out the steps taken so far once more."""


class Program:
    """A model, its loss and its optimizer as a step-by-step program on the live weights. See `imperative`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.operations: tuple[Operation, ...] = ()
        """The operations of the latest step, in the order of the forward pass."""

    def step(self, x: Any, y: Any = None) -> Step:
        """Train one step and return every value of it.

        Args:
            x: the batch's inputs: one array or tensor, or several as a tuple (positional) or dict (by name).
            y: what the loss compares the model's answer with; None if the model hands out its loss itself.
        """
        engine = self._engine
        engine.begin(x)
        before = {name: engine.array(value) for name, value in engine.weights().items()}
        calls, gradients, weight_gradients = self._passes(x, y)
        engine.apply((calls[-1].values[0], weight_gradients), lambda: self._again(x, y))
        self.operations = tuple(call.operation for call in calls)
        engine.end(self.operations)
        activations = {
            name: value for call in calls for name, value in zip(call.operation.outputs, call.values, strict=True)
        }
        return Step(
            loss=float(engine.array(calls[-1].values[0])),
            activations={name: engine.array(value) for name, value in activations.items()},
            gradients={name: engine.array(gradients[name]) for name in activations if name in gradients},
            weights=before,
            weight_gradients={name: engine.array(value) for name, value in weight_gradients.items()},
            updates={name: engine.array(value) - before[name] for name, value in engine.weights().items()},
        )

    def source(self, arrays: str | None = None) -> str:
        """The steps taken so far as a Python program that runs by itself and prints the same losses.

        Args:
            arrays: a file to write the weights and batches to, which the program then reads; by default they are part
                of the program's text.

        Raises:
            UsageError: no step was taken yet, or part of the model cannot be written down.
        """
        return script.write(self._engine.history(), arrays)

    def _passes(self, x: Any, y: Any) -> tuple[list[Call], dict[str, Any], dict[str, Any]]:
        calls = self._engine.forward(x, y)
        return calls, *backward(calls, self._engine.ones_like(calls[-1].values[0]), self._engine.add)

    def _again(self, x: Any, y: Any) -> Passes:
        calls, _, weight_gradients = self._passes(x, y)
        return calls[-1].values[0], weight_gradients

    def __str__(self) -> str:
        if not self.operations:
            return "A program whose operations are known once it has taken a step."
        return "\n".join(str(each) for each in self.operations)


def backward(calls: Sequence[Call], seed: Any, add: Callable[[Any, Any], Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The backward pass: from the loss to the first operation, each by its own vector-Jacobian product.

    Args:
        calls: the forward pass; the last one's only value is the loss.
        seed: d loss / d loss.
        add: makes the sum of two gradients.

    Returns:
        The gradients of the loss at each value, and at each weight; a name that no gradient reaches is missing.
    """
    gradients: dict[str, Any] = {calls[-1].operation.outputs[0]: seed}
    weights: dict[str, Any] = {}
    for call in reversed(calls):
        given = [gradients.get(name) for name in call.operation.outputs]
        if all(each is None for each in given):
            continue
        at_inputs, at_weights = call.pull(given)
        for name, gradient in zip(call.operation.inputs, at_inputs, strict=True):
            _gather(gradients, name, gradient, add)
        for name, gradient in at_weights.items():
            _gather(weights, name, gradient, add)
    return gradients, weights


def _gather(sums: dict[str, Any], name: str, gradient: Any, add: Callable[[Any, Any], Any]) -> None:
    if gradient is not None:
        sums[name] = add(sums[name], gradient) if name in sums else gradient


def framework_of(model: Any) -> str | None:
    """The framework of a model, told by the modules its classes come from, so that none is imported."""
    homes = {cls.__module__.split(".")[0] for cls in type(model).__mro__}
    return next((framework for framework in FRAMEWORKS if framework in homes), None)


def imperative(model: Any, loss: Any = None, optimizer: Any = None) -> Program:
    """Turn a live model into a step-by-step program with a probe point at every operation::

        program = deeplocalize.imperative(model, loss, optimizer)
        step = program.step(x, y)
        step.loss, step.activations["hidden"], step.gradients["hidden"], step.updates["hidden.weight"]
        print(program.source())

    It trains the model's own weights, in the mode (training or evaluation) that the model is in; Keras models are run in
    training mode.

    Args:
        model: a `torch.nn.Module`, or a Keras model: Sequential or functional; a subclassed one is one step.
        loss: a loss of the framework, or a function: PyTorch's of (prediction, target), Keras's of (target,
            prediction). None: that of a compiled Keras model; a PyTorch model hands out its loss itself.
        optimizer: an optimizer of the framework; None: that of a compiled Keras model.

    Raises:
        UsageError: the model is of no framework we know, or there is no loss or no optimizer.
    """
    framework = framework_of(model)
    if framework is None:
        raise UsageError(f"imperative() got {type(model).__name__!r}; it expects a torch.nn.Module or a keras.Model")
    engine = importlib.import_module(f"deeplocalize.frameworks.{framework}.imperative")
    return Program(engine.engine(model, loss, optimizer))
