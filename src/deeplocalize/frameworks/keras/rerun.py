"""The program of kept Keras steps, put together from data and carried out until a value is not finite."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from deeplocalize.frameworks import imperative
from deeplocalize.frameworks.imperative import Call
from deeplocalize.frameworks.keras import passes, stored
from deeplocalize.frameworks.keras import vjp as vjps
from deeplocalize.frameworks.keras.plan import Planned
from deeplocalize.frameworks.operations import Ref
from deeplocalize.frameworks.replay import Culprit, Passes, Replayed, in_backward, in_forward, replayed, value_of
from deeplocalize.frameworks.stored import restored, restored_operation, restored_source
from deeplocalize.trace.kept import Kept

_OPERATION = ("name", "target", "args", "kwargs", "inputs", "outputs", "changed", "unsplit", "stops")


class Program:
    """The program of kept steps, with its weights as they were before the first of them, and their batches."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        plain = kept.program
        self._variables: dict[str, Any] = {}
        objects = [self._object(each) for each in plain["objects"]]
        self._planned = [
            Planned(
                restored_operation({name: each[name] for name in _OPERATION}),
                objects[int(each["object"])],
                bool(each["split"]),
                {str(name): self._variable(str(name)) for name in each["variables"]},
            )
            for each in plain["operations"]
        ]
        self._sources = {each["name"]: restored_source(each["source"]) for each in plain["operations"]}
        self._trained = {str(name): self._variable(str(name)) for name in plain["trained"]}
        self._optimizer = stored.restored_object(plain["optimizer"], "optimizer")
        self._optimizer.build(list(self._trained.values()))
        for at, variable in enumerate(self._optimizer.variables):
            if f"optimizer/{at}" in kept.arrays:
                variable.assign(kept.arrays[f"optimizer/{at}"])
        self._judged = passes.Judged(
            restored(plain["prediction"]),
            ([restored(each) for each in plain["added"]], *[_arguments(each) for each in plain["terms"]]),
            _loss(plain["terms"]),
        )
        self._names = {id(variable): name for name, variable in self._variables.items()}
        self._passes = passes.Passes(lambda: list(self._trained.values()), lambda each: self._names[id(each)])

    def _object(self, plain: Mapping[str, Any]) -> Any:
        made = stored.restored_target(plain)
        for name, variable in zip(plain["variables"], _variables(made), strict=False):
            variable.assign(self._kept.arrays[f"variable/{name}"])
            self._variables[str(name)] = variable
        return made

    def _variable(self, name: str) -> Any:
        """A variable by its name; one of no layer of Keras's is made."""
        if name not in self._variables:
            value = self._kept.arrays[f"variable/{name}"]
            self._variables[name] = keras.Variable(value, dtype=str(value.dtype))
        return self._variables[name]

    # ---- the steps ----------------------------------------------------------------------------------------------

    def replay(self) -> Replayed:
        """Carry out the steps until a value is not finite."""
        if "random" in self._kept.arrays:
            import torch

            torch.set_rng_state(torch.from_numpy(self._kept.arrays["random"].copy()))
        start = int(self._kept.program["start"])
        calls: list[Call] = []
        given: dict[str, Any] = {}
        for step in range(start, self._kept.step + 1):
            given = dict(self._given(step - start))
            states = {name: _array(each) for name, each in self._variables.items()}
            calls = [
                each._replace(pull=_once(each.pull))
                for each in self._passes.forward(self._planned, self._judged, given)
            ]
            seed = ops.ones_like(calls[-1].values[0])
            _, gradients = imperative.backward(calls, seed, ops.add)
            if not all(_finite(each) for each in (calls[-1].values[0], *gradients.values())):
                return self._said(step, calls, given, states)
            found = [gradients.get(name) for name in self._trained]
            before = {name: _array(each) for name, each in self._trained.items()}
            vjps.update(self._optimizer, found, list(self._trained.values()))
            spoiled = next((name for name, each in self._trained.items() if not _finite(each)), None)
            if spoiled is not None:
                return self._update(step, spoiled, before[spoiled], gradients.get(spoiled))
        return Replayed(self._kept.step, None, loss=float(_array(calls[-1].values[0])))

    def _given(self, at: int) -> Iterator[tuple[str, Any]]:
        for name, value in self._kept.arrays.items():
            begin, _, rest = name.partition("/")
            if begin == "constant":
                yield rest, ops.convert_to_tensor(value)
            elif name.startswith(f"batch/{at}/"):
                tensor = ops.convert_to_tensor(value)
                is_float = np.issubdtype(value.dtype, np.floating)
                yield rest.partition("/")[2], ops.cast(tensor, keras.config.floatx()) if is_float else tensor

    # ---- what it says -------------------------------------------------------------------------------------------

    def _said(
        self, step: int, calls: list[Call], given: Mapping[str, Any], weights: Mapping[str, np.ndarray]
    ) -> Replayed:
        used = [self._used(call.operation.name) for call in calls]
        arrays = {name: _array(each) for name, each in given.items()}
        made = Passes(calls, arrays, weights, used, _array)
        culprit: Culprit | None = in_forward(made)
        if culprit is None:
            culprit = in_backward(made, ops.ones_like(calls[-1].values[0]), ops.add)
        found = replayed(dataclasses.replace(self._kept, step=step), made, culprit)
        return dataclasses.replace(found, source=self._sources.get(found.operation))

    def _used(self, operation: str) -> tuple[str, ...]:
        """The names of the variables that an operation reads."""
        planned = next((each for each in self._planned if each.operation.name == operation), None)
        if planned is None:
            return ()
        return tuple(planned.variables) or tuple(
            self._names[id(each)] for each in _variables(planned.target) if id(each) in self._names
        )

    def _update(self, step: int, name: str, before: np.ndarray, gradient: Any) -> Replayed:
        plain = self._kept.program
        inputs = [value_of(name, before)]
        if gradient is not None:
            inputs.append(value_of(f"gradient at {name}", _array(gradient)))
        inputs.append(value_of("learning rate", np.array(float(_array(self._optimizer.learning_rate)))))
        after = value_of(f"{name} after the update", _array(self._trained[name]))
        kind = type(self._optimizer).__name__
        return Replayed(step, "update", kind, "step", restored_source(plain["step"]), tuple(inputs), (after,))


# ---- the loss ---------------------------------------------------------------------------------------------------------


def _arguments(term: Mapping[str, Any]) -> list[Ref | None]:
    """What a term of the loss is made of: (prediction, target, weights of the examples, values before reduction)."""
    parts = (term.get(name) for name in ("prediction", "y", "weight", "values"))
    return [None if each is None else restored(each) for each in parts]


def _loss(terms: list[Mapping[str, Any]]) -> Callable[..., Any]:
    """The loss of a model as a function of what was added to it and of the arguments of its terms."""
    functions = [_term(each) for each in terms]
    factors = [each["factor"] for each in terms]

    def loss(added: list[Any], *arguments: Any) -> Any:
        values = [function(*given) for function, given in zip(functions, arguments, strict=True)]
        weighted = [value if factor is None else factor * value for value, factor in zip(values, factors, strict=True)]
        return sum(added) + sum(weighted)

    return loss


def _term(term: Mapping[str, Any]) -> Callable[..., Any]:
    if "values" in term:
        return _Reduced(str(term["reduction"]))
    if "function" in term:
        function = getattr(keras.losses, str(term["function"]), None)
        if not callable(function) or isinstance(function, type):
            raise ValueError(f"{term['function']!r} is no loss of Keras")
        made = keras.src.losses.losses.LossFunctionWrapper(function)
    else:
        made = stored.restored_object(term["loss"], "loss")
    return lambda prediction, y, weight, _: made(y, prediction, sample_weight=weight)


class _Reduced:
    """The mean or sum of losses that were computed by the operations before, as Keras takes it."""

    def __init__(self, reduction: str) -> None:
        class Given(keras.losses.Loss):  # type: ignore[misc]
            """A loss whose values are given."""

            def call(self, y_true: Any, y_pred: Any) -> Any:
                return self.values

        self._loss = Given(reduction=None if reduction == "None" else reduction)

    def __call__(self, prediction: Any, y: Any, weight: Any, values: Any) -> Any:
        """The reduced loss."""
        self._loss.values = values
        return self._loss(y, prediction, sample_weight=weight)


def _once(pull: imperative.Pull) -> imperative.Pull:
    """The vector-Jacobian product for the search, which asks for the same gradients once more; tensorflow gives them
    only once."""
    found: list[Any] = []

    def pull_once(gradients: Sequence[Any]) -> Any:
        if not found:
            found.append(pull(gradients))
        return found[0]

    return pull_once


def _variables(target: Any) -> list[Any]:
    return list(target.variables) if isinstance(target, keras.layers.Layer) else []


def _array(value: Any) -> np.ndarray:
    return np.array(ops.convert_to_numpy(value))


def _finite(value: Any) -> bool:
    return bool(np.isfinite(_array(value)).all())
