"""Batches that a program passes over because the loss is NaN: nothing that is recorded of its steps would show them."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from deeplocalize.frameworks.torch import origin, stats
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.trace.schema import PassedOver

if TYPE_CHECKING:
    from deeplocalize.frameworks.torch.models import Model

MOST_WAITING = 32
"""On an accelerator flags of so many steps are fetched together."""


@dataclass
class Trouble:
    """Where NaN was first seen in a pass."""

    layer: LayerState | None
    given: bool
    operation: origin.Found | None


class PassedOverBatches:
    """Counts the forward passes in training mode of which the answer holds NaN, and from which no gradient was computed.

    A program whose gradient is that of several passes may well mask what is NaN in one of them. So passes count only if one
    alone was left for the gradient, and only as long as that is so in each step.
    """

    def __init__(self) -> None:
        self._batches = self._used = self._of_inputs = 0
        self._several = False
        self._begun = self._open = False
        self._answer: weakref.ref[Tensor] | None = None
        self._flags: list[Tensor | None] = []
        self._waiting: list[list[Tensor | None]] = []
        self._trouble: Trouble | None = None

    def pass_begins(self, model: Model) -> None:
        """A pass with gradients begins. If another is still open, no gradient was computed from that one."""
        module = model.root
        if self._several or module is None:
            return
        if self._open:
            self._look_back(model)
        self._open = module.training

    def pass_ended(self, model: Model, output: Any) -> None:
        """The pass is over, with this answer."""
        tensor = stats.first_tensor(output)
        self._answer = weakref.ref(tensor) if tensor is not None else None

    def _look_back(self, model: Model) -> None:
        answer = self._answer() if self._answer is not None else None
        answer = answer if answer is not None else model.latest_output()
        if answer is None:
            self._flags.append(None)
            return
        inputs = [each for _, each in model.last_inputs if stats.is_plain(each) and each.device == answer.device]
        with torch.no_grad():
            bad = [~torch.isfinite(each).all() for each in inputs]
            flags = torch.stack([torch.isnan(answer).any(), *bad])
        self._flags.append(flags)
        if self._trouble is None and stats.on_host(flags) and bool(flags[0]):
            self._trouble = _trouble(model, answer)

    def went_backward(self) -> None:
        """A gradient is about to be computed. What came before the first may have been a trial."""
        if self._flags and self._begun:
            self._waiting.append(self._flags)
            if len(self._waiting) >= MOST_WAITING or all(each is None or stats.on_host(each) for each in self._flags):
                self._settle()
        self._used += 1
        self._begun, self._open, self._flags = True, False, []

    def _settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        for flags in waiting:
            known = [each.tolist() for each in flags if each is not None]
            spoiled = [each for each in known if each[0]]
            if len(known) < len(flags):
                continue
            self._several |= len(spoiled) < len(flags)
            self._batches += len(spoiled)
            self._of_inputs += sum(any(each[1:]) for each in spoiled)

    def fact(self, index: dict[int, int]) -> PassedOver | None:
        """As a fact; `index` gives each LayerState's (by id) place. None if there were none."""
        self._settle()
        if self._several or not self._batches:
            return None
        found, trouble = PassedOver(self._batches, self._used, self._of_inputs), self._trouble
        if trouble is None:
            return found
        operation = trouble.operation.fact(index) if trouble.operation is not None else None
        return replace(found, layer=index.get(id(trouble.layer)), given=trouble.given, origin=operation)


def _trouble(model: Model, answer: Tensor) -> Trouble:
    """Where the answer's NaN comes from, while what it was computed from is there."""
    recorded = [(layer, layer.activation) for layer in model.layers]
    try:
        for layer in model.layers:
            layer.examine()
        return Trouble(*_first(model.layers), origin.find(answer, [model], None))
    finally:
        for layer, activation in recorded:
            layer.activation, layer.nonfinite_parameters, layer.nonfinite_input = activation, None, None


def _first(layers: Sequence[LayerState]) -> tuple[LayerState | None, bool]:
    """The first layer with NaN or infinity in what it was given or answered, and if it was given that."""
    for layer in sorted((each for each in layers if each.nodes), key=lambda each: each.facts.order or 0):
        if layer.nonfinite_input:
            return layer, True
        if layer.activation is not None and float(layer.activation[0]) > 0:
            return layer, False
    return None, False
