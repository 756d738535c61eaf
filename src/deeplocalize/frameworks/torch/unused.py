"""Gradients that were computed and cleared again before any step used them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch.models import Model


@dataclass(frozen=True)
class Pass:
    """A backward pass: the line that asked for it, and the batch it began with."""

    site: CallSite
    batch: weakref.ref[Tensor]

    def is_of(self, other: Pass) -> bool:
        """True if both passes began with the same batch."""
        return self.batch() is not None and self.batch() is other.batch()


class Mark(NamedTuple):
    """A gradient: where it lies in memory, and how often it was changed there."""

    address: int
    version: int


class Unused:
    """Counts the backward passes whose gradients no step uses.

    Meant to be cleared, and not counted, are gradients of another line than those that are used, of the same batch, of an
    input that has a gradient of its own (it is what was asked for), and those before a step whose gradient is not just that
    of the passes since: a program that gathers gradients by itself puts its own in their place.
    """

    def __init__(self) -> None:
        self._open: list[Pass] = []
        self._lost: list[Pass] = []
        self._mark: Mark | None = None

    def backward(self, site: CallSite | None, models: Iterable[Model]) -> None:
        """A backward pass begins."""
        batch = _batch(models)
        if site is not None and batch is not None:
            self._open.append(Pass(site, weakref.ref(batch)))

    def cleared(self) -> None:
        """Gradients were cleared."""
        self._lost += self._open
        self._open = []

    def computed(self, optimizers: Callable[[], Iterable[torch.optim.Optimizer]]) -> None:
        """The gradient is there, or was clipped."""
        if self._lost:
            self._mark = _mark(optimizers())

    def count(self, optimizers: Iterable[torch.optim.Optimizer]) -> float:
        """How many passes were in vain, now that a step begins; 0 if fewer than those that it uses."""
        if not self._lost or not self._open or self._mark != _mark(optimizers):
            return 0.0
        sites = {each.site for each in self._open}
        lost = [each for each in self._lost if each.site in sites and not any(map(each.is_of, self._open))]
        return float(len(lost)) if len(lost) >= len(self._open) else 0.0

    def forget(self) -> None:
        """A step was taken, by whatever optimizer: what was cleared before it may have been used."""
        self._open, self._lost, self._mark = [], [], None


def _batch(models: Iterable[Model]) -> Tensor | None:
    """The first tensor of data that the models were given, if it has no gradient."""
    given = [tensor for model in models for _, tensor in model.last_inputs]
    return next((each for each in given if not each.requires_grad), None)


def _mark(optimizers: Iterable[torch.optim.Optimizer]) -> Mark | None:
    held = (each for optimizer in optimizers for group in optimizer.param_groups for each in group["params"])
    gradient = next((each.grad for each in held if each.grad is not None), None)
    return Mark(gradient.data_ptr(), gradient._version) if gradient is not None else None
