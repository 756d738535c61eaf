"""What a training loop does besides its steps, counted between one step and the next."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch import stats

if TYPE_CHECKING:
    from deeplocalize.frameworks.torch.training import Training


class Loop:
    """What happened in a training since its last step.

    Attributes:
        repeated_backwards: how many backward passes began at a loss from which one had gone back since gradients were
            cleared, so that its gradient counts twice.
        rebuilt_optimizers: how many optimizers were built in place of one that the same call built before.
        rebuilt_schedulers: the same of learning-rate schedulers.
        restored: weights, or what an optimizer had gathered, were loaded: whatever is built anew then is meant to be.
    """

    def __init__(self) -> None:
        self.rebuilt_optimizers = self.rebuilt_schedulers = self.repeated_backwards = 0
        self.restored = False
        self._losses: list[weakref.ref[Tensor]] = []
        self._schedulers: dict[tuple[CallSite, int], int] = {}

    def backward(self, root: Tensor, whole: bool) -> bool:
        """A backward pass begins at this tensor; `whole` if it is the gradient of one number for all parameters. True if
        the same has been computed before."""
        if not whole or root.numel() != 1:
            return False
        again = any(each() is root for each in self._losses)
        self.repeated_backwards += again
        self._losses.append(weakref.ref(root))
        return again

    def cleared(self) -> None:
        """Gradients were cleared: what was computed before counts no more."""
        self.repeated_backwards = 0
        self._losses = []

    def scheduler_built(self, site: CallSite | None, optimizer: Any, step: int) -> None:
        """A scheduler was built for an optimizer of this training."""
        if site is None:
            return
        before = self._schedulers.get((site, id(optimizer)), step)
        self.rebuilt_schedulers += before < step
        self._schedulers[site, id(optimizer)] = step

    def taken(self) -> dict[str, Any]:
        """The counts as scalars of the step that ends now; the next begins with none."""
        meant = self.restored
        counts = {
            "repeated_backwards": float(self.repeated_backwards),
            "rebuilt_optimizers": 0.0 if meant else float(self.rebuilt_optimizers),
            "rebuilt_schedulers": 0.0 if meant else float(self.rebuilt_schedulers),
        }
        self.rebuilt_optimizers = self.rebuilt_schedulers = 0
        self.restored = False
        self.cleared()
        return counts


_COUNTED = {"forwards": "f", "backwards": "b", "zero_grads": "z", "optimizer_steps": "s", "scheduler_steps": "c"}


def counts(events: str) -> dict[str, float]:
    """How often each kind of event happened in a step, from their letters."""
    return {name: float(events.count(letter)) for name, letter in _COUNTED.items()}


def loss_value(root: Tensor) -> float | Tensor:
    """The loss as a number, still on its device if that is no CPU; the mean of several."""
    value = root.detach()
    value = value if value.numel() == 1 else value.float().mean()
    return value.item() if stats.on_host(value) else value.reshape(()).clone()


def check_stale(trainings: Iterable[Training]) -> None:
    """Note which trainings still have the gradient of the step before when a new one is computed."""
    for training in trainings:
        if training.step and not training.backwards and "z" not in training.events and _has_gradient(training):
            training.stale = True


def _has_gradient(training: Training) -> bool:
    """True if gradients that are not zero are left in the training's parameters; looks at the smallest few."""
    held = [
        each for optimizer in training.live_optimizers() for group in optimizer.param_groups for each in group["params"]
    ]
    left = [each.grad for each in held if each.grad is not None]
    if len(left) < len(held) / 2:
        return False
    return any(bool(gradient.any()) for gradient in sorted(left, key=Tensor.numel)[:4])


def is_whole(grad_tensors: Any = None, *_: Any, inputs: Any = None, **__: Any) -> bool:
    """True if `torch.autograd.backward` was called, with these arguments after the first, for the plain gradient of all
    parameters: neither weighted nor for some of them only."""
    tensors = grad_tensors if isinstance(grad_tensors, tuple | list) else [grad_tensors]
    return all(each is None for each in tensors) and inputs is None
