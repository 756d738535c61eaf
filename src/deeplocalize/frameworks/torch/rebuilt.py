"""Models that a loop builds anew for each of its steps: which one takes the place of which, and which call builds them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from deeplocalize.frameworks.torch.models import Model

ALIKE, SURE = 0.3, 5.0
"""Two models begin alike if their weights correlate by more than ALIKE, and by more than SURE times what chance would make
of so many weights: then one is a copy of the other, as in meta-learning."""


def take_the_place(new: Sequence[Model], old: Sequence[Model]) -> bool:
    """True if each of these models was built by the call that built the old one, which is gone, with the same layers, and
    begins with weights of its own."""
    return len(new) == len(old) > 0 and all(map(_takes_the_place, new, old))


def _takes_the_place(new: Model, old: Model) -> bool:
    same_call = new.site is not None and new.site == old.site
    return old.root is None and same_call and _layers(new) == _layers(old) and begin_apart(new.before, old.before)


def _layers(model: Model) -> list[tuple[str, str, int]]:
    return [(layer.name, layer.facts.type, layer.facts.parameters) for layer in model.layers]


def begin_apart(one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
    """True if two models do not begin with weights that are, or were, the same. Weights that do not vary say nothing."""
    if not one or [each.shape for each in one] != [each.shape for each in other]:
        return False
    here, there = (torch.cat([_centered(each) for each in weights]) for weights in (one, other))
    size = float(here.norm() * there.norm())
    alike = float(here.dot(there)) / size if size > 0 else 0.0
    return not (alike > ALIKE and alike * math.sqrt(len(here)) > SURE)


def _centered(weights: Tensor) -> Tensor:
    """The weights less their mean; exactly zero where they are all the same."""
    numbers = weights.detach().double()
    return numbers - (numbers.mean() if len(numbers) and bool((numbers != numbers[0]).any()) else numbers)
