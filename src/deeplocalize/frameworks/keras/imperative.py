"""A Keras 3 model as a step-by-step program; see deeplocalize.frameworks.imperative."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from deeplocalize.errors import UsageError
from deeplocalize.frameworks import imperative
from deeplocalize.frameworks.imperative import Call
from deeplocalize.frameworks.keras import vjp as vjps
from deeplocalize.frameworks.keras.history import Recorded
from deeplocalize.frameworks.keras.passes import Judged, Passes
from deeplocalize.frameworks.keras.plan import is_graph, plan
from deeplocalize.frameworks.operations import Operation, Ref
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
        self._passes = Passes(lambda: model.trainable_variables, self._recorded.name)

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
        self._given = _inputs(self.model, x) | dict(_named("y", y))
        judged = Judged(answer, (_refs("y", y), answer), self._loss)
        return self._passes.forward(planned, judged, self._given)

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

    def apply(self, passes: imperative.Passes, again: Callable[[], imperative.Passes]) -> None:
        """See Engine."""
        _, gradients = passes
        weights = self.weights()
        found = [gradients.get(name) for name in weights]
        vjps.update(self.optimizer, found, list(weights.values()))

    def array(self, value: Any) -> np.ndarray:
        """See Engine."""
        return np.array(ops.convert_to_numpy(value))


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
