"""A model that no optimizer holds, while two hold the same: as where that of a generator was given the discriminator's parameters."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

import torch

from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.optimizers import Owned


class Unheld:
    """The models of a training that none of its optimizers holds though they get a gradient, and which of them should."""

    def __init__(self) -> None:
        self._models: weakref.WeakSet[Model] = weakref.WeakSet()
        self._steps: Counter[int] = Counter()

    def found(self, reached: Iterable[Model], models: Sequence[Model], optimizers: Sequence[Owned]) -> list[Model]:
        """The models that a gradient reaches and nobody holds, where two optimizers that different calls built hold the same.

        One of the training's own must have been given what has a graph behind it: a network to compare with comes after the one
        that is trained, and is left as it is on purpose.
        """
        twins = [(one, other) for one, other in combinations(optimizers, 2) if one.parameters == other.parameters]
        if not any(one.site != other.site for one, other in twins) or not any(model.last_states for model in models):
            return []
        held = frozenset().union(*(each.parameters for each in optimizers))
        found = [each for each in reached if each not in models and each.trainable and not held & each.parameter_ids]
        self._models.update(found)
        return found

    def stepped(self, optimizer: torch.optim.Optimizer, reached: Iterable[Model]) -> None:
        """An optimizer takes a step after a gradient that reaches these models."""
        if self._models and any(model in self._models for model in reached):
            self._steps[id(optimizer)] += 1

    def place(self, optimizers: Sequence[Owned]) -> int | None:
        """Which of the optimizers steps after a gradient for these models, as if it held them; None if there are none."""
        counts = [self._steps[id(each.reference())] for each in optimizers]
        return max(range(len(counts)), key=lambda at: (counts[at], at)) if any(counts) else None
