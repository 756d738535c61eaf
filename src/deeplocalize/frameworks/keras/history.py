"""The steps that a Keras program took, kept so that they can be written down as a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.keras.plan import Planned
from deeplocalize.frameworks.keras.rebuilding import call_text, function_text, loss_text, object_text
from deeplocalize.frameworks.keras.vjp import TEXT, random_state
from deeplocalize.frameworks.operations import Operation, Ref
from deeplocalize.frameworks.script import Batches, Dialect, History, Taken, function_of, identifier, literal

IMPORTS = f'''import os

import numpy as np

os.environ["KERAS_BACKEND"] = "{keras.backend.backend()}"

import keras{chr(10) + "import torch" if keras.backend.backend() == "torch" else ""}'''
HELPERS = f'''{TEXT}

gradients = {{}}
compiled = {{}}


def vjp(function, *inputs, of=None):
    """What the function makes of its inputs, and its vector-Jacobian product: the map from the gradients of the loss at
    what it makes to those at its inputs. Those at the weights of the layer `of` are added up in `gradients`."""
    weights = of if isinstance(of, list) else of.trainable_variables if of is not None else []
    states = of.non_trainable_variables if isinstance(of, keras.layers.Layer) else []
    kept = compiled.setdefault(getattr(function, "__code__", function), [])
    made, pull = carry_out(lambda *given: keras.tree.flatten(function(*given)), list(inputs), weights, states, kept)

    def back(*arriving):
        at_inputs, at_weights = pull(arriving)
        for weight, gradient in zip(weights, at_weights):
            gradients[id(weight)] = add(gradients.get(id(weight)), gradient)
        return at_inputs

    return made, back


def add(one, other):
    """The sum of two gradients, of which one may be missing."""
    return one if other is None else other if one is None else keras.ops.add(one, other)'''


class Recorded:
    """What a program began with, and its steps."""

    def __init__(self, model: keras.Model, optimizer: Any) -> None:
        self._model, self._optimizer = model, optimizer
        self._used = bool(int(optimizer.iterations))
        self._rate = self._rate_at_first = _rate(optimizer)
        self._batches = Batches()
        self._before: list[str] = []
        self._arrays: dict[str, np.ndarray] = {}
        self._planned: Sequence[Planned] = ()
        self._losses: Any = None
        self._random: np.ndarray | None = None

    def name(self, variable: Any) -> str:
        """The name of a weight: its path in the model."""
        return variable.path.removeprefix(f"{self._model.name}/")

    def built(self, planned: Sequence[Planned]) -> None:
        """The model has its weights, and has taken no step."""
        self._planned = planned
        for path, layer in self._layers().items():
            self._arrays |= {f"{path}/{at}": _array(each) for at, each in enumerate(layer.variables)}

    def begin(self) -> None:
        """A step begins: note what was changed since the last one."""
        rate = _rate(self._optimizer)
        self._before = [] if rate == self._rate else [f"optimizer.learning_rate = {rate}"]
        self._rate = rate
        random = random_state()
        if not np.array_equal(random, self._random):
            name = f"random/{len(self._batches.steps)}"
            self._arrays[name] = random
            self._before.append(f"torch.set_rng_state(torch.from_numpy(arrays[{name!r}]))")

    def end(self, operations: tuple[Operation, ...], given: Mapping[str, Any], losses: Any) -> None:
        """The step is over."""
        self._random = random_state()
        self._losses = losses
        arrays = {name: _array(each) for name, each in given.items()}
        self._batches.add(Taken(operations, arrays, tuple(self._before)))

    def history(self) -> History:
        """See Engine."""
        if self._used:
            raise UsageError("source() needs an optimizer that had taken no step when imperative() was called")
        batches = self._batches
        return History(self._model.name, self._dialect(), batches.steps, self._arrays, batches.left_out)

    # ---- text ---------------------------------------------------------------------------------------------------

    def _layers(self) -> dict[str, keras.layers.Layer]:
        return {
            each.operation.target.removeprefix("layer:"): each.target
            for each in self._planned
            if each.operation.target.startswith("layer:")
        }

    def _dialect(self) -> Dialect:
        names = {each.operation.target: _target_name(each) for each in self._planned}

        def vjp(operation: Operation, values: Mapping[str, str]) -> str:
            inputs = [values[each] for each in operation.inputs]
            call, of = self._call(operation, names | values)
            return f"vjp({', '.join((function_of(inputs, call), *inputs, *of))})"

        return Dialect(
            imports=IMPORTS,
            helpers=HELPERS,
            build=self._build(names),
            vjp=vjp,
            seed="keras.ops.ones_like({})",
            tensor="keras.ops.convert_to_tensor({})",
            begin="gradients.clear()",
            carry_out="{}",
            update="apply_update(optimizer, [gradients.get(id(each)) for each in weights], weights)",
            number="float(keras.ops.convert_to_numpy(loss))",
        )

    def _call(self, operation: Operation, names: Mapping[str, str]) -> tuple[str, list[str]]:
        """The call of an operation, and the argument that names its weights."""
        if operation.target == "regularizers":
            return "sum(each.regularizer(each) for each in weights if each.regularizer)", ["of=weights"]
        if operation.target == "loss":
            return self._loss_call(operation, names), []
        call = call_text(operation, names)
        if not operation.target.startswith("layer:"):
            return call, []
        layer = names[operation.target]
        if any(each.endswith(".logits") or ".penalty" in each for each in operation.outputs):
            given = ", ".join(names[each] for each in operation.inputs)
            call = f"with_rest({layer}, {call}, [{given}])"
        return call, [f"of={layer}"]

    def _loss_call(self, operation: Operation, names: Mapping[str, str]) -> str:
        terms = []
        for at, (path, _, weight, _) in enumerate(self._losses._flat_losses):
            truth, answer = (_at(path, each) for each in operation.args)
            term = f"loss_function_{at}({names[truth.name]}, {names[answer.name]})"
            terms.append(term if weight is None else f"{weight} * {term}")
        return " + ".join([*terms, *(names[ref.name] for ref in operation.kwargs["penalties"])])

    def _build(self, names: Mapping[str, str]) -> list[str]:
        lines = []
        for planned in self._planned:
            line = f"{names[planned.operation.target]} = {_target_text(planned)}"
            lines += [line] if line not in lines and not line.endswith("= ") else []
        layers = self._layers()
        for path, layer in layers.items():
            if layer.variables and (config := layer.get_build_config()):
                lines.append(f"{names[f'layer:{path}']}.build_from_config({literal(config)})")
        lines += ["layers = {"] + [f"    {path!r}: {names[f'layer:{path}']}," for path in layers] + ["}"]
        lines += [
            "for name, layer in layers.items():",
            "    for at, variable in enumerate(layer.variables):",
            '        variable.assign(arrays[f"{name}/{at}"])',
            "weights = list({id(each): each for layer in layers.values() for each in layer.trainable_variables}.values())",
        ]
        losses = enumerate(self._losses._flat_losses)
        lines += [f"loss_function_{at} = {loss_text(each.loss)}" for at, each in losses]
        rate = {} if self._rate_at_first is None else {"learning_rate": self._rate_at_first}
        return [*lines, f"optimizer = {object_text(self._optimizer, 'optimizers', **rate)}"]


def _target_name(planned: Planned) -> str:
    kind, path = planned.operation.target.split(":", 1)
    if kind == "activation" and not isinstance(planned.target, keras.layers.Layer):
        return function_text(planned.target, "activations")
    return identifier(path) + ("_activation" if kind == "activation" else "")


def _target_text(planned: Planned) -> str:
    """The text that builds what carries out an operation; nothing for a function, which has a name."""
    if isinstance(planned.target, keras.layers.Layer):
        return object_text(planned.target, "layers", **({"activation": "linear"} if planned.split else {}))
    return object_text(planned.target, "ops") if planned.operation.target.startswith("operation:") else ""


def _at(path: Sequence[Any], refs: Any) -> Ref:
    for each in path:
        refs = refs[each]
    return refs


def _rate(optimizer: Any) -> float | None:
    """The learning rate; None if a schedule sets it."""
    schedule = isinstance(getattr(optimizer, "_learning_rate", None), keras.optimizers.schedules.LearningRateSchedule)
    return None if schedule else float(np.array(optimizer.learning_rate))


def _array(value: Any) -> np.ndarray:
    return np.array(ops.convert_to_numpy(value))
