"""Gradients that an optimizer has applied, and to which the next backward pass adds."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class LeftGradients:
    """Tells of each of several optimizers if it applies gradients for the second time.

    Between two of its steps, gradients were there whenever a backward pass began, and they lie where they lay: nobody cleared
    them, and nobody put others in their place. Which optimizer the program clears by which call does not matter. A step that
    computes the gradients itself may clear them as well.
    """

    def __init__(self) -> None:
        self._stayed: dict[int, bool | None] = {}
        self._address: dict[int, int | None] = {}

    def backward(self, optimizers: Iterable[torch.optim.Optimizer]) -> None:
        """A backward pass begins."""
        for each in optimizers:
            if self._stayed.get(id(each), False) is not False:
                self._stayed[id(each)] = has_gradient([each])

    def applied_again(self, optimizer: torch.optim.Optimizer) -> bool:
        """True if what an optimizer is about to apply contains what it applied before."""
        stayed = self._stayed.get(id(optimizer)) is True
        return stayed and self._address.get(id(optimizer)) == _address(optimizer)

    def applied(self, optimizer: torch.optim.Optimizer, computed_itself: bool) -> None:
        """An optimizer took a step."""
        self._stayed[id(optimizer)] = False if computed_itself else None
        self._address[id(optimizer)] = _address(optimizer)


def has_gradient(optimizers: Iterable[torch.optim.Optimizer]) -> bool:
    """True if gradients that are not zero are left in the parameters of optimizers; looks at the smallest few."""
    held = [each for optimizer in optimizers for group in optimizer.param_groups for each in group["params"]]
    left = [each.grad for each in held if each.grad is not None]
    if len(left) < len(held) / 2:
        return False
    return any(bool(gradient.any()) for gradient in sorted(left, key=Tensor.numel)[:4])


def _address(optimizer: torch.optim.Optimizer) -> int | None:
    held = (each for group in optimizer.param_groups for each in group["params"])
    gradient = next((each.grad for each in held if each.grad is not None), None)
    return gradient.data_ptr() if gradient is not None and gradient.layout is torch.strided else None
