"""One training step, seen from inside while it is traced (tensorflow, jax) or run (torch, run_eagerly).

The user's own train_step runs; what it calls is wrapped for as long as it runs: layers, the model's compute_loss, the
optimizer's apply. A wrapper calls the original with the same arguments and never changes a value. Numbers that are seen
are gathered as tensors of the backend and returned from the step as one vector.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from deeplocalize.frameworks.keras import describe, objectives, statistics
from deeplocalize.frameworks.keras.describe import Leaves
from deeplocalize.frameworks.keras.flow import Term
from deeplocalize.frameworks.keras.guard import Guard
from deeplocalize.frameworks.keras.layer_calls import LayerCalls
from deeplocalize.frameworks.keras.parameters import Parameters
from deeplocalize.frameworks.replaced import replaced
from deeplocalize.frameworks.session import leave_traceback

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
        self.scope: Any = None
        self.values: dict[statistics.Key, Any] = {}
        self.rows: dict[str, Any] = {}
        self.terms: list[Term] = []
        self.weighted = False
        self.stage: tuple[str, int | None] = ("other", None)
        self.model, self.leaves, self.on, self.safe = model, leaves, on, safe
        self.taps = on.GradientTaps(functools.partial(safe, "loss", self._see_target))
        self.layers = LayerCalls(self)
        self.parameters = Parameters(self)
        self._open = True
        self._samples = statistics.Samples()
        self._seen: set[tuple[str, int]] = set()
        self._targets: list[Any] = []

    # ---- gathering ----------------------------------------------------------------------------------------------

    def usable(self, value: Any) -> bool:
        """True if a value can leave the step that is watched."""
        return self._open and self.on.usable(value, self.scope)

    def takes(self, value: Any) -> bool:
        """True for a value that statistics can be told of."""
        return self.usable(value) and _is_float(value)

    def forget(self, role: str, layer: int) -> None:
        """What is seen next of a layer's tensor replaces what was seen."""
        self._seen.discard((role, layer))

    def reached(self, layer: int) -> None:
        """There is a way from the loss back to a layer's output."""
        if self._open:
            self.values["layer", layer, "on the way"] = 1.0

    def see(self, role: str, layer: int, values: Any) -> statistics.Sampled | None:
        """Gather what statistics need of an activation or its like, [examples, ...]; returns what they read.

        Of a layer that is called again in the same step, only the non-finite elements are added, and nothing is returned.
        """
        if (role, layer) in self._seen:
            self.values[role, layer, "more nonfinite"] = self.on.count(values)
            return None
        self._seen.add((role, layer))
        read = statistics.sampled(values)
        self._samples.add(role, layer, self.on.kept(ops.reshape(read.elements, [-1])), read.most)
        if not read.whole:
            self.values[role, layer, "nonfinite"] = self.on.count(values)
        return read

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
        self.scope = self.safe("train step", self.on.scope_of, arguments)
        self.safe("batch", self._see_batch, arguments)
        self.safe("parameters", self.parameters.begin, arguments)
        with contextlib.ExitStack() as stack:
            self.safe("train step", self._wrap, stack)
            yield
        self.stage = ("other", None)

    def _wrap(self, stack: contextlib.ExitStack) -> None:
        self.layers.wrap(stack)
        stack.enter_context(self.taps.active())
        stack.enter_context(replaced(self.model, "compute_loss", self._compute_loss))
        for optimizer in objectives.optimizers(self.model):
            name = "stateless_apply" if keras.backend.backend() == "jax" else "apply"
            stack.enter_context(replaced(optimizer, name, functools.partial(self._apply, optimizer)))

    def result(self, layouts: dict[tuple[statistics.Key, ...], int]) -> dict[str, Any]:
        """What the step returns besides its own result: all numbers as one vector, and rows of the batch.

        The vector's first element is the number of its layout; `layouts` gathers them.
        """
        self.safe("parameters", self.parameters.end)
        if ("step", 0, "loss") not in self.values and self._targets:
            self.scalar("loss", sum(self._targets) / len(self._targets))
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
                self.values["batch", 0, name] = self._nonfinite(value)
            if self.full:
                self.rows["input:" + name] = statistics.sampled_rows(value)
        floats = [each for each in map(_tensor, tree.flatten(y)) if self.takes(each)]
        if floats:
            self.scalar("target.nonfinite", self._nonfinite(*floats))

    def _nonfinite(self, *values: Any) -> Any:
        return (self.on.count if self.full else self.on.suspicion)(*map(self.on.detached, values))

    # ---- loss and optimizer -------------------------------------------------------------------------------------

    def _compute_loss(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def compute_loss(*args: Any, **kwargs: Any) -> Any:
            self.stage = ("loss", None)
            try:
                loss = original(*args, **kwargs)
            except BaseException as error:
                leave_traceback(error)
                raise
            self.safe("loss", self._loss_ran, dict(zip(_LOSS_ARGUMENTS, args, strict=False)) | kwargs, loss)
            self.stage = ("backward", None)
            return loss

        return compute_loss

    def _see_target(self, value: Any) -> None:
        """A gradient is taken of this value: where a train step does not use the model's compute_loss, it is the loss."""
        if not self._targets and (stale := self.on.is_stale(self.model)) is not None:
            self.scalar("stale_gradient", stale)
        found = [self.on.detached(each) for each in tree.flatten(value)]
        self._targets += [ops.mean(ops.cast(each, "float32")) for each in found if self.takes(each)]

    def _loss_ran(self, given: dict[str, Any], loss: Any) -> None:
        self.weighted = self.weighted or given.get("sample_weight") is not None
        if ops.is_tensor(loss) and self.usable(value := self.on.detached(loss)):
            self.scalar("loss", value)
        predictions = tree.map_structure(self.on.detached, tree.flatten(given.get("y_pred")))
        floats = [each for each in predictions if self.takes(each)]
        if floats:
            self.scalar("prediction.nonfinite", self._nonfinite(*floats))
        if self.full:
            self._see_terms(given.get("y_pred"), given.get("y"))
        self.layers.flow.forget_tensors()

    def _see_terms(self, predictions: Any, targets: Any) -> None:
        paths = [term.path for term in getattr(self.model._compile_loss, "_flat_losses", None) or ()] or [()]
        names = getattr(self.model, "output_names", None)
        self.terms = []
        for at, path in enumerate(paths):
            prediction = objectives.judged(path, at, predictions, names)
            target = _tensor(objectives.judged(path, at, targets, names))
            shape = tuple(target.shape) if target is not None else None
            self.terms.append(Term(tuple(prediction.shape), shape, self.layers.flow.reached_loss(prediction)))
            self._keep_rows("prediction" if not at else None, prediction)
            self._keep_rows(f"target:{at}", target)

    def _keep_rows(self, name: str | None, values: Any) -> None:
        if name is not None and values is not None and self.usable(values := self.on.detached(values)) and values.shape:
            self.rows[name] = statistics.sampled_rows(values)

    def _apply(self, optimizer: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(*args: Any, **kwargs: Any) -> Any:
            outer, self.stage = self.stage, ("update", None)
            self.safe("optimizer", self.parameters.before, optimizer, args, kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                leave_traceback(error)
                raise
            self.safe("optimizer", self.parameters.after, optimizer, args, kwargs, result)
            self.safe("optimizer", self.on.applied, self.model)
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
