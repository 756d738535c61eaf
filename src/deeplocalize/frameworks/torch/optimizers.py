"""Optimizers, and what they were built with."""

from __future__ import annotations

import weakref
from typing import NamedTuple

import torch
from torch import Tensor

from deeplocalize.frameworks.source import CallSite


class Owned(NamedTuple):
    """An optimizer of a training, the call that built it, and the ids of the parameters it was built with."""

    reference: weakref.ref[torch.optim.Optimizer]
    site: CallSite | None
    parameters: frozenset[int]
    first: weakref.ref[Tensor] | None = None

    @classmethod
    def of(cls, optimizer: torch.optim.Optimizer, site: CallSite | None, parameters: frozenset[int]) -> Owned:
        """An optimizer that exists."""
        held = (each for group in optimizer.param_groups for each in group["params"])
        return cls(weakref.ref(optimizer), site, parameters, next(map(weakref.ref, held), None))

    def is_continued_by(self, site: CallSite | None, parameters: frozenset[int]) -> bool:
        """True if an optimizer built there for these parameters goes on where this one stopped. Parameters that are gone are
        no longer what their ids say."""
        exist = self.first is None or self.first() is not None
        return exist and site is not None and (site, parameters) == (self.site, self.parameters)
