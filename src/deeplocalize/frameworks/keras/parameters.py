"""Weights, their gradients and updates, seen around the optimizer's apply()."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from deeplocalize.frameworks.keras import objectives, statistics
from deeplocalize.frameworks.keras.describe import Leaf

if TYPE_CHECKING:
    from deeplocalize.frameworks.keras.observation import Observation


class Parameters:
    """What a step does to the parameters of the layers."""

    def __init__(self, observation: Observation) -> None:
        self._seen = observation
        self._on = observation.on
        self._weighed: set[int] = set()
        self.applied: dict[str, Any] = {}
        self._values: dict[int, Any] = {}
        self._samples: dict[int, Any] = {}
        self._with_gradient: set[int] = set()
        self._norms: list[Any] = []

    def begin(self, arguments: tuple[Any, ...]) -> None:
        """The step begins. On jax the values of the variables are among its arguments, not in the variables."""
        if keras.backend.backend() == "jax":
            model, state = self._seen.model, arguments[0]
            named = [*zip(model.trainable_variables, state[0]), *zip(model.non_trainable_variables, state[1])]  # noqa: B905
            self._values = {id(variable): value for variable, value in named}

    def before(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The optimizer is about to change the weights."""
        self.applied[optimizer.name] = optimizer
        gradients, variables = _given(optimizer, args, kwargs)
        if len(gradients) != len(variables):
            return  # the optimizer was built for others, and is about to refuse
        self._see_rate(optimizer, args)
        by_variable = self._by_variable(variables, gradients)
        for leaf in self._seen.leaves.all:
            if leaf.parameters and leaf.index not in self._weighed:
                self._weighed.add(leaf.index)
                self._see_weights(leaf)
            mine = {id(each): by_variable[id(each)] for each in leaf.parameters if id(each) in by_variable}
            if mine:
                self._see_gradients(leaf, mine)
        if self._seen.full and by_variable:
            self._norms.append(statistics.squared_norm(list(by_variable.values())))

    def _by_variable(self, variables: list[Any], gradients: list[Any]) -> dict[int, Any]:
        found = {}
        for variable, gradient in zip(variables, gradients, strict=True):
            if gradient is None:
                continue
            self._with_gradient.add(id(variable))
            gradient = self._on.dense(gradient, variable) if self._seen.full else self._on.compact(gradient)
            if self._seen.usable(gradient := self._on.detached(gradient)):
                found[id(variable)] = gradient
        return found

    def after(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """The optimizer changed the weights."""
        if not self._seen.full:
            return
        _, variables = _given(optimizer, args, kwargs)
        values = result[0] if self._values else [self._on.detached(ops.convert_to_tensor(each)) for each in variables]
        changed = {id(variable): value for variable, value in zip(variables, values, strict=True)}
        for leaf in self._seen.leaves.all:
            mine = {id(each): changed[id(each)] for each in leaf.parameters if id(each) in changed}
            kernels = [each for each in leaf.kernels if id(each) in mine and id(each) in self._samples]
            if kernels:
                after = {id(each): statistics.sampled_parameter(mine[id(each)]) for each in kernels}
                updates = [after[id(each)] - self._samples[id(each)] for each in kernels]
                self._see("weight_update", leaf, mine, updates, kernels)

    def _see(self, role: str, leaf: Leaf, values: dict[int, Any], samples: list[Any], kernels: list[Any]) -> None:
        read = {id(each) for each in kernels}
        rest = [value for key, value in values.items() if key not in read]
        self._seen.see_parameters(role, leaf.index, samples, [values[id(each)] for each in kernels], rest)

    def end(self) -> None:
        """The step is over: say which parameters may be trained, are held by an optimizer, got a gradient."""
        if not self._seen.full:
            return
        if self._norms:
            largest = ops.max(ops.stack([each["scale"] for each in self._norms]))
            safe = ops.where(largest > 0, largest, 1.0)
            self._seen.scalar("gradient.scale", largest)
            self._seen.scalar(
                "gradient.sum", sum(each["sum"] * ops.square(each["scale"] / safe) for each in self._norms)
            )
        held = {id(each) for optimizer in self.applied.values() for each in objectives.held_by(optimizer)}
        for leaf in self._seen.leaves.all:
            parameters = leaf.parameters
            trainable = [each for each in parameters if each.trainable]
            self._state(leaf, "trainable", [each.trainable for each in parameters])
            self._state(leaf, "optimized", [id(each) in held for each in parameters])
            if not self._values and leaf.registered:
                self._state(leaf, "reached", [id(each) in self._with_gradient for each in trainable])
            elif trainable and leaf.shown.order is not None:
                # jax gives zeros where there is no way to the loss, and of layers that the model does not have no gradient is
                # asked for; whether there is a way was seen on the layer's output
                self._state(leaf, "reached", [("layer", leaf.index, "on the way") in self._seen.values])

    def _state(self, leaf: Leaf, name: str, flags: Sequence[bool]) -> None:
        if flags:
            self._seen.values["layer", leaf.index, name] = sum(flags) / len(flags)

    def _see_rate(self, optimizer: Any, args: tuple[Any, ...]) -> None:
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        schedule = getattr(inner, "_learning_rate", None)
        if callable(schedule) and not isinstance(
            schedule, keras.optimizers.schedules.LearningRateSchedule | keras.Variable
        ):
            return  # a function of the user's, which may do more than give a number
        mapping = list(zip(optimizer.variables, args[0], strict=True)) if self._values else []
        with keras.StatelessScope(state_mapping=mapping) if self._values else contextlib.nullcontext():
            if ("step", 0, "learning_rate") not in self._seen.values:
                self._seen.scalar("learning_rate", ops.cast(inner.learning_rate, "float32"))
            if inner is not optimizer or optimizer.loss_scale_factor is not None:
                self._seen.scalar("loss_scale", optimizer.scale_loss(ops.ones(())))

    def _see_weights(self, leaf: Leaf) -> None:
        parameters, kernels = leaf.parameters, leaf.kernels
        values = {id(each): self._value(each) for each in parameters}
        if not all(self._seen.usable(each) for each in values.values()):
            return
        if not self._seen.full:
            self._suspect("weight", leaf, values)
            return
        samples = [ops.copy(statistics.sampled_parameter(values[id(each)])) for each in kernels]
        self._samples |= {id(each): sample for each, sample in zip(kernels, samples, strict=True)}
        self._see("weight", leaf, values, samples, kernels)

    def _suspect(self, role: str, leaf: Leaf, values: dict[int, Any]) -> None:
        kernels = {id(each) for each in leaf.kernels}
        told = [_telling(value) if key in kernels else value for key, value in values.items()]
        self._seen.suspect(role, leaf.index, *told)

    def _value(self, variable: Any) -> Any:
        if id(variable) in self._values:
            return self._values[id(variable)]
        value = ops.convert_to_tensor(variable)
        return self._on.detached(ops.copy(value) if self._values else value)  # jax: a constant, made part of the step

    def _see_gradients(self, leaf: Leaf, mine: dict[int, Any]) -> None:
        if not self._seen.full:
            self._suspect("weight_gradient", leaf, mine)
            return
        kernels = [each for each in leaf.kernels if id(each) in mine] or [
            each for each in leaf.parameters if id(each) in mine
        ]
        samples = [statistics.sampled_parameter(mine[id(each)]) for each in kernels]
        self._see("weight_gradient", leaf, mine, samples, kernels)


def _telling(kernel: Any) -> Any:
    """The part of a kernel, or of its gradient, that tells at little cost whether it is finite.

    A kernel's gradient is a product of the layer's input and what comes back to its output. If one element of the latter
    is not finite, so is a whole column of the product, and the first row has an element of that column. What this misses
    (an overflow elsewhere) is in the weights after the step, and so in the layer's output in the next.
    """
    shape = kernel.shape
    if (len(shape) != 2 and len(shape) < 4) or not all(isinstance(size, int) for size in shape):
        return kernel
    return ops.reshape(kernel, [-1, shape[-1]])[0]


def _given(optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The gradients an optimizer was given, and the variables they are for."""
    if keras.backend.backend() == "jax":
        gradients = args[1] if len(args) > 1 else kwargs["grads"]
        return list(gradients), objectives.held_by(optimizer)
    gradients = args[0] if args else kwargs["grads"]
    variables = args[1] if len(args) > 1 else kwargs.get("trainable_variables")
    return list(gradients), list(variables if variables is not None else objectives.held_by(optimizer))
