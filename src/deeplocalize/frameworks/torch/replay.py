"""Carrying out a kept step of a PyTorch training once more; see deeplocalize.frameworks.replay."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.imperative import Call
from deeplocalize.frameworks.operations import Operation, Ref, map_refs
from deeplocalize.frameworks.replay import Culprit, Passes, Replayed, in_backward, in_forward, replayed, value_of
from deeplocalize.frameworks.stored import restored_source
from deeplocalize.frameworks.torch.stored import built, functions, put_in, restored, restored_operation
from deeplocalize.frameworks.torch.tracing import CannotSplitError, Tracer
from deeplocalize.trace.kept import Kept


def replay(kept: Kept) -> Replayed:
    """See deeplocalize.frameworks.replay.replay."""
    try:
        program = _Program(kept)
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise UsageError(
            f"step {kept.step} cannot be replayed: what the trace keeps of it is damaged ({error})"
        ) from None
    if kept.program.get("spoiled"):
        return program.update()
    with torch.random.fork_rng(devices=[]):
        return program.replay()


class _Program:
    """The program of a kept step, with its weights and its batch."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        plain = kept.program
        dtypes = {name: restored(each) for name, each in plain["dtypes"].items()}
        tensors = {name: torch.from_numpy(each.copy()).to(dtypes[name]) for name, each in kept.arrays.items()}
        self._tensors = {
            name: nn.Parameter(each, bool(plain["weights"][name])) if name in plain["weights"] else each
            for name, each in _below("tensor/", tensors).items()
        }
        self._given = _below("given/", tensors)
        self._gradients = _below("gradient/", tensors)
        self._random = tensors.get("random")
        self._operations = [restored_operation(each) for each in plain["operations"]]
        self._sources = [restored_source(each["source"]) for each in plain["operations"]]
        self._autocast = [restored(each["autocast"]) for each in plain["operations"]]
        self._layers = {str(path): built(each) for path, each in plain["layers"].items()}
        for path, layer in self._layers.items():
            put_in(layer, plain["layers"][path], self._tensors)
        self._uses = {path: tuple(map(str, each["tensors"].values())) for path, each in plain["layers"].items()}
        self._functions = {each.target: self._function(each.target) for each in self._operations}
        self._loss = str(plain["loss"])

    def _function(self, target: str) -> Callable[..., Any]:
        if target.startswith("layer:"):
            return self._layers[target.removeprefix("layer:")]
        if target not in functions():
            raise ValueError(f"{target!r} is no function of PyTorch that a forward pass calls")
        return functions()[target]

    # ---- the passes ---------------------------------------------------------------------------------------------

    def replay(self) -> Replayed:
        """Carry out both passes."""
        before = {name: each.detach().clone() for name, each in self._tensors.items()}
        try:
            passes, made_by = self._split()
        except CannotSplitError as reason:
            with torch.no_grad():
                for name, each in self._tensors.items():
                    each.copy_(before[name])
            return self._unsplit(str(reason))
        culprit = in_forward(passes)
        if culprit is None:
            culprit = in_backward(passes, torch.ones_like(passes.calls[-1].values[0]), torch.add)
        return self._said(passes, culprit, made_by)

    def _split(self) -> tuple[Passes, list[int]]:
        """Both passes one operation at a time; and for each call the place of the kept operation that made it."""
        paths = {id(module): path for path, module in self._layers.items()}
        weights = {name: each for name, each in self._tensors.items() if isinstance(each, nn.Parameter)}
        states = {name: each for name, each in self._tensors.items() if name not in weights}
        tracer = Tracer(weights, states, paths)
        values = {name: tracer.give(name, each) for name, each in self._given.items()}
        made_by: list[int] = []
        with tracer.running():
            for place, _ in self._carried_out(values, tracer.within):
                made_by += [place] * (len(tracer.calls) - len(made_by))
        last = tracer.name_of(values[self._loss])
        end = next((at + 1 for at, call in enumerate(tracer.calls) if last in call.operation.outputs), 0)
        if not end:
            raise CannotSplitError("its loss is made by no operation")
        return self._passes(tracer.calls[:end], tracer.given), made_by

    def _unsplit(self, why: str) -> Replayed:
        """The forward pass alone, where operations cannot be told apart in the backward pass."""
        values = dict(self._given)
        calls, made_by = [], []
        with torch.no_grad():
            for place, made in self._carried_out(values, lambda _: contextlib.nullcontext()):
                operation = self._operations[place]
                calls.append(Call(operation, [each.detach().clone() for each in made], _no_gradients))
                made_by.append(place)
        end = next(at + 1 for at, call in enumerate(calls) if self._loss in call.operation.outputs)
        passes = self._passes(calls[:end], self._given)
        return self._said(passes, in_forward(passes), made_by, (f"The backward pass was not replayed: {why}.",))

    def _carried_out(
        self, values: dict[str, Tensor], within: Callable[[str], Any]
    ) -> Iterator[tuple[int, list[Tensor]]]:
        """Carry out the operations on `values`, in which what they make is put, too."""
        if self._random is not None:
            torch.set_rng_state(self._random)

        def found(ref: Ref) -> Tensor:
            return values[ref.name] if ref.kind == "value" else self._tensors[ref.name]

        for place, operation in enumerate(self._operations):
            args, kwargs = map_refs(found, (tuple(operation.args), dict(operation.kwargs)))
            grad = torch.no_grad() if operation.stops else contextlib.nullcontext()
            cast = self._autocast[place]
            casting = torch.autocast("cpu", cast, cache_enabled=False) if cast else contextlib.nullcontext()
            with grad, casting, within(operation.name.rpartition(".")[0]):
                made = self._functions[operation.target](*args, **kwargs)
            outputs = [each for each in pytree.tree_leaves(made) if isinstance(each, Tensor)]
            outputs += [values[name] if name in values else self._tensors[name] for name in operation.changed]
            values |= zip(operation.outputs, outputs, strict=True)
            yield place, outputs

    def _passes(self, calls: list[Call], given: Mapping[str, Tensor]) -> Passes:
        arrays = {name: _array(each) for name, each in given.items()}
        weights = {name: _array(each) for name, each in self._tensors.items()}
        return Passes(calls, arrays, weights, [self._used(call.operation) for call in calls], _array)

    def _used(self, operation: Operation) -> tuple[str, ...]:
        found: list[str] = []
        map_refs(
            lambda ref: found.append(ref.name) if ref.kind != "value" else None,
            (operation.args, dict(operation.kwargs)),
        )
        return (*self._uses.get(operation.target.removeprefix("layer:"), ()), *found)

    # ---- what it says -------------------------------------------------------------------------------------------

    def _said(
        self, passes: Passes, culprit: Culprit | None, made_by: list[int], notes: tuple[str, ...] = ()
    ) -> Replayed:
        found = replayed(self._kept, passes, culprit, notes)
        place = next((at for at, call in enumerate(passes.calls) if call.operation.name == found.operation), None)
        return found if place is None else dataclasses.replace(found, source=self._sources[made_by[place]])

    def update(self) -> Replayed:
        """The update of a weight that was finite before it and whose gradient was."""
        program = self._kept.program
        name = str(program["spoiled"])
        rate = value_of("learning rate", np.array(float(program["rate"])))
        inputs = [value_of(name, _array(self._tensors[name])), rate]
        if name in self._gradients:
            inputs.insert(1, value_of(f"gradient at {name}", _array(self._gradients[name])))
        after = value_of(f"{name} after the update", self._kept.arrays["spoiled"])
        source = restored_source(program["step"])
        return Replayed(self._kept.step, "update", str(program["optimizer"]), "step", source, tuple(inputs), (after,))


def _below(begin: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(begin): each for name, each in tensors.items() if name.startswith(begin)}


def _array(value: Tensor) -> np.ndarray:
    value = value.detach()
    return (value.float() if value.dtype == torch.bfloat16 else value).cpu().numpy().copy()


def _no_gradients(_: Any) -> Any:
    raise NotImplementedError
