"""Which models a backward pass reaches."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from torch import Tensor

from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch import graph
from deeplocalize.frameworks.torch.models import Model

WALKS = 3
"""A backward call on a given line is followed through the graph this many times to learn which models it reaches, and
again whenever there is a model that was not there before."""


class Reach:
    """Remembers for each line that calls backward which models it reaches."""

    def __init__(self, all_models: Callable[[], list[Model]], trains_loose_tensors: Callable[[], bool]) -> None:
        """`trains_loose_tensors` says whether an optimizer holds parameters of no model."""
        self._all_models = all_models
        self._trains_loose_tensors = trains_loose_tensors
        self._known: dict[tuple[Any, int], tuple[int, weakref.WeakSet[Model], weakref.WeakSet[Model]]] = {}

    def of(self, root: Tensor, site: CallSite | None) -> list[Model]:
        """The models whose parameters the gradient of `root` reaches."""
        active = [model for model in self._all_models() if model.ran]
        alone = len(active) == len(self._all_models()) == 1
        if alone and (active[0].trainable or not self._trains_loose_tensors()):
            return active
        key = (site.code, site.instruction) if site else (None, 0)
        walks, reach, met = self._known.setdefault(key, (0, weakref.WeakSet(), weakref.WeakSet()))
        if walks < WALKS or any(model not in met for model in active):
            variables, _ = graph.variables_and_consumers(root.grad_fn)
            ids = {id(each) for each in variables}
            reach.update(model for model in self._all_models() if ids & model.parameter_ids)
            met.update(active)
            self._known[key] = (walks + 1, reach, met)
        return [model for model in self._all_models() if model in reach]
