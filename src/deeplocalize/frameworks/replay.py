"""Carrying out a kept step once more, one operation at a time, to name the first that was not finite.

A value that is not finite spoils what is made of it, so most of a step is spoiled by the time the loss is NaN. The search
goes back from the loss, through values that are not finite, to the operation that made one out of finite ones. An infinity
that was put there on purpose, such as the -inf of an attention mask, is passed over if nothing else is behind it.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.imperative import FRAMEWORKS, Call
from deeplocalize.trace.kept import Kept
from deeplocalize.trace.schema import Source

PASSES = ("data", "weights", "forward", "backward", "update")


@dataclass(frozen=True)
class Value:
    """A tensor in a few numbers. `low` and `high` are over the finite elements, NaN if there are none."""

    name: str
    shape: tuple[int, ...]
    low: float
    high: float
    nans: int
    infinities: int
    zeros: int

    @property
    def is_finite(self) -> bool:
        """True if every element is."""
        return self.nans == self.infinities == 0


@dataclass(frozen=True)
class Replayed:
    """What a replay found.

    Attributes:
        step: the optimizer step.
        where: in which pass the first value that is not finite was made, one of PASSES; None if all were finite.
        operation: the operation's name, such as `loss.log`.
        target: what it calls: `layer:<path>` or a function.
        source: its line in the user's file.
        inputs: what it was given.
        made: what it made of that.
        loss: of the replayed step; NaN if it was not finite.
        notes: what else is to be known.
    """

    step: int
    where: str | None
    operation: str = ""
    target: str = ""
    source: Source | None = None
    inputs: tuple[Value, ...] = ()
    made: tuple[Value, ...] = ()
    loss: float = math.nan
    notes: tuple[str, ...] = field(default=())


def replay(kept: Kept) -> Replayed:
    """Carry out the step that a trace keeps.

    Raises:
        UsageError: the step could not be kept, or its framework is not installed, or the program is damaged.
    """
    if kept.missing is not None:
        raise UsageError(f"step {kept.step} cannot be replayed: {kept.missing}")
    if kept.framework not in FRAMEWORKS:
        raise UsageError(f"step {kept.step} is of {kept.framework!r}, expected one of {', '.join(FRAMEWORKS)}")
    try:
        module = importlib.import_module(f"deeplocalize.frameworks.{kept.framework}.replay")
    except ImportError as error:
        raise UsageError(
            f"step {kept.step} is replayed with {kept.framework}, which is not installed ({error})"
        ) from None
    found: Replayed = module.replay(kept)
    return found


def value_of(name: str, array: np.ndarray) -> Value:
    """A tensor in a few numbers."""
    if array.dtype == bool or not np.issubdtype(array.dtype, np.number):
        array = array.astype(np.int64)
    finite = np.isfinite(array)
    good = array[finite].real
    low, high = (float(good.min()), float(good.max())) if good.size else (math.nan, math.nan)
    nans, zeros = int(np.isnan(array).sum()), int((array == 0).sum())
    return Value(name, tuple(array.shape), low, high, nans, int(array.size - finite.sum()) - nans, zeros)


# ---- the search -------------------------------------------------------------------------------------------------------


@dataclass
class Passes:
    """A step that was carried out.

    Attributes:
        calls: its operations; the last one's only value is the loss.
        given: what they were given, by name.
        weights: weights and buffers that operations use, by name.
        uses: the names of the weights and buffers that an operation uses, by its place.
    """

    calls: Sequence[Call]
    given: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]
    uses: Sequence[Sequence[str]]
    array: Callable[[Any], np.ndarray]

    def __post_init__(self) -> None:
        self.values: dict[str, np.ndarray] = dict(self.given)
        self.makers: dict[str, int] = {}
        for place, call in enumerate(self.calls):
            for name, made in zip(call.operation.outputs, call.values, strict=True):
                self.values[name] = self.array(made)
                self.makers[name] = place


@dataclass(frozen=True)
class Culprit:
    """The first thing that was not finite.

    Attributes:
        where: in which pass.
        place: of the operation, None for what the step was given.
        name: of a value, a weight or a buffer that was not finite before any operation.
        inputs: gradients that the operation was given in the backward pass, and
        made: those that it made of them, by name.
    """

    where: str
    place: int | None = None
    name: str = ""
    inputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    made: Mapping[str, np.ndarray] = field(default_factory=dict)


def in_forward(passes: Passes) -> Culprit | None:
    """Where the value that made the loss not finite comes from; None if the loss is finite."""
    last = passes.calls[-1].operation.outputs[0]
    return None if _state(passes.values[last]) == FINITE else _behind(passes, last, set())


FINITE, INFINITE, NAN = range(3)


def _state(array: np.ndarray) -> int:
    if not np.issubdtype(array.dtype, np.inexact):
        return FINITE
    if np.isnan(array).any():
        return NAN
    return INFINITE if np.isinf(array).any() else FINITE


def _behind(passes: Passes, name: str, seen: set[str]) -> Culprit | None:
    """The origin of a value that is not finite; None for an infinity that was put there on purpose."""
    if name in seen:
        return None
    seen.add(name)
    place = passes.makers.get(name)
    if place is None:
        return None if _is_mask(passes.values[name]) else Culprit("data", name=name)
    operation = passes.calls[place].operation
    for each in passes.uses[place]:
        if _state(passes.weights[each]) != FINITE and not _is_mask(passes.weights[each]):
            return Culprit("weights", place, each)
    bad = [each for each in operation.inputs if _state(passes.values[each]) != FINITE]
    worst = [each for each in bad if _state(passes.values[each]) == NAN] or bad
    for each in worst:
        found = _behind(passes, each, seen)
        if found is not None:
            return found
    return None if not bad and _writes_infinity(*operation.args, operation.kwargs) else Culprit("forward", place)


def _is_mask(array: np.ndarray) -> bool:
    """True for a tensor whose only values that are not finite are -inf."""
    return _state(array) == INFINITE and not np.isposinf(array).any()


def _writes_infinity(*arguments: Any) -> bool:
    """True if an operation is given an infinity as a plain number, as masked_fill is."""
    for each in arguments:
        if isinstance(each, float) and math.isinf(each):
            return True
        if isinstance(each, dict) and _writes_infinity(*each.values()):
            return True
        if type(each) in (list, tuple) and _writes_infinity(*each):
            return True
    return False


def in_backward(passes: Passes, seed: Any, add: Callable[[Any, Any], Any]) -> Culprit | None:
    """The operation whose own vector-Jacobian product made a gradient not finite; None if all gradients are finite."""
    gradients: dict[str, Any] = {passes.calls[-1].operation.outputs[0]: seed}
    for place in reversed(range(len(passes.calls))):
        call = passes.calls[place]
        given = [gradients.get(name) for name in call.operation.outputs]
        if all(each is None for each in given):
            continue
        at_inputs, at_weights = call.pull(given)
        made = [*zip(call.operation.inputs, at_inputs, strict=True), *at_weights.items()]
        arrays = {name: passes.array(each) for name, each in made if each is not None}
        if any(_state(each) != FINITE for each in arrays.values()):
            arrived = zip(call.operation.outputs, given, strict=True)
            return Culprit(
                "backward",
                place,
                inputs={name: passes.array(each) for name, each in arrived if each is not None},
                made=arrays,
            )
        for name, gradient in zip(call.operation.inputs, at_inputs, strict=True):
            if gradient is not None:
                gradients[name] = add(gradients[name], gradient) if name in gradients else gradient
    return None


def replayed(kept: Kept, passes: Passes, culprit: Culprit | None, notes: tuple[str, ...] = ()) -> Replayed:
    """What is said of the culprit; its line is that of its operation."""
    loss = float(passes.values[passes.calls[-1].operation.outputs[0]])
    if culprit is None:
        return Replayed(kept.step, None, loss=loss, notes=notes)
    if culprit.place is None:
        readers = [call.operation for call in passes.calls if culprit.name in call.operation.inputs]
        value = value_of(culprit.name, passes.values[culprit.name])
        return Replayed(kept.step, "data", readers[0].name, readers[0].target, made=(value,), loss=loss, notes=notes)
    operation = passes.calls[culprit.place].operation
    if culprit.where == "weights":
        value = value_of(culprit.name, passes.weights[culprit.name])
        return Replayed(kept.step, "weights", operation.name, operation.target, made=(value,), loss=loss, notes=notes)
    inputs = [value_of(name, passes.values[name]) for name in operation.inputs]
    inputs += [value_of(name, passes.weights[name]) for name in passes.uses[culprit.place]]
    made = [value_of(name, passes.values[name]) for name in operation.outputs]
    if culprit.where == "backward":
        inputs += [value_of(f"gradient at {name}", each) for name, each in culprit.inputs.items()]
        made = [value_of(f"gradient at {name}", each) for name, each in culprit.made.items()]
    return Replayed(
        kept.step, culprit.where, operation.name, operation.target, None, tuple(inputs), tuple(made), loss, notes
    )
