"""What a training loop does besides its steps, counted between one step and the next."""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from deeplocalize.frameworks.source import CallSite, user_call
from deeplocalize.frameworks.torch import stats
from deeplocalize.frameworks.torch.left import LeftGradients, has_gradient
from deeplocalize.frameworks.torch.plateaus import Plateaus
from deeplocalize.frameworks.torch.unused import Unused

if TYPE_CHECKING:
    from deeplocalize.frameworks.torch.models import Model
    from deeplocalize.frameworks.torch.training import Training


class Loop:
    """What happened in a training since its last step.

    Attributes:
        repeated_backwards: how many backward passes began at a loss from which one had gone back since gradients were
            cleared, so that its gradient counts twice.
        rebuilt_optimizers: how many optimizers were built in place of one that the same call built before.
        rebuilt_schedulers: the same of learning-rate schedulers.
        rebuilt_models: how many models were built in place of one that was trained for a single step.
        clipped: by what clipping multiplied the gradient, a number or still on its device; NaN without clipping.
        idle_clips: how often gradients were clipped before any backward pass, or none were given to be clipped.
        unused: backward passes whose gradients are cleared before a step.
        left: gradients that one of several optimizers has applied, and that are still there.
        plateaus: what schedulers did that wait for a quantity to get better, since the beginning.
        restored: weights, or what an optimizer had gathered, were loaded: whatever is built anew then is meant to be.
    """

    def __init__(self) -> None:
        self.rebuilt_optimizers = self.rebuilt_schedulers = self.rebuilt_models = self.repeated_backwards = 0
        self.restored = False
        self.idle_clips = 0
        self.clipped: float | Tensor = math.nan
        self.unused = Unused()
        self.left = LeftGradients()
        self.plateaus = Plateaus()
        self._in_vain = math.nan
        self._losses: list[weakref.ref[Tensor]] = []
        self._schedulers: dict[tuple[CallSite, int], int] = {}

    def backward(self, root: Tensor, whole: bool, site: CallSite | None, models: Iterable[Model] = ()) -> bool:
        """A backward pass begins at this tensor; `whole` if it is the gradient of one number for all parameters. The models
        that it reaches are given in recorded steps. True if the same has been computed before."""
        self.unused.backward(site, models)
        if not whole or root.numel() != 1:
            return False
        again = any(each() is root for each in self._losses)
        self.repeated_backwards += again
        self._losses.append(weakref.ref(root))
        return again

    def cleared(self) -> None:
        """Gradients were cleared: what was computed before counts no more."""
        self.repeated_backwards, self.clipped = 0, math.nan
        self._losses = []
        self.unused.cleared()

    def step_begins(self, optimizers: Iterable[torch.optim.Optimizer], known: bool) -> None:
        """A recorded step begins; `known` if all that came before it was seen."""
        self._in_vain = self.unused.count(optimizers) if known else math.nan

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
            "clipped": self.clipped,
            "idle_clips": float(self.idle_clips),
            "repeated_backwards": float(self.repeated_backwards),
            "rebuilt_optimizers": 0.0 if meant else float(self.rebuilt_optimizers),
            "rebuilt_schedulers": 0.0 if meant else float(self.rebuilt_schedulers),
            "rebuilt_models": float(self.rebuilt_models),
            "unused_backwards": self._in_vain,
        }
        self._in_vain = math.nan
        self.idle_clips = 0
        self.rebuilt_optimizers = self.rebuilt_schedulers = self.rebuilt_models = 0
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
        optimizers = training.live_optimizers()
        if training.step and not training.backwards and "z" not in training.events and has_gradient(optimizers):
            training.stale = True
        if len(optimizers) > 1 and (training.sampling or not training.on_accelerator):
            training.loop.left.backward(optimizers)


def is_whole(grad_tensors: Any = None, *_: Any, inputs: Any = None, **__: Any) -> bool:
    """True if `torch.autograd.backward` was called, with these arguments after the first, for the plain gradient of all
    parameters: neither weighted nor for some of them only."""
    tensors = grad_tensors if isinstance(grad_tensors, tuple | list) else [grad_tensors]
    return all(each is None for each in tensors) and inputs is None


class Clipping:
    """What `clip_grad_norm_` and `clip_grad_value_` did, told to the trainings whose gradients they were given."""

    def __init__(self, trainings: Callable[[], list[Training]], remember: Callable[..., None]) -> None:
        self._trainings = trainings
        self._remember = remember
        self._before: dict[int, Tensor] = {}

    def norm_clipped(self, total: Any, _parameters: Any = None, max_norm: Any = None, *_: Any, **__: Any) -> None:
        """The norm of gradients was `total` before it was clipped."""
        if not isinstance(total, Tensor) or not isinstance(max_norm, int | float):
            return
        if max_norm == math.inf or not self._tell_idle(total):
            factor = (max_norm / (total.detach() + 1e-6)).clamp(max=1.0)
            self._tell({id(each): factor for each in self._concerned()})

    def values_begin(self, *_: Any, **__: Any) -> None:
        """Each number of gradients is about to be clipped; how large they are is looked at in recorded steps only."""
        self._before = {id(each): _norm(each) for each in self._concerned() if each.sampling}
        self._tell_idle()

    def values_clipped(self, *_: Any, **__: Any) -> None:
        """Each number of gradients was clipped."""
        after = {id(each): _norm(each) for each in self._concerned() if id(each) in self._before}
        self._tell({key: norm / self._before[key].clamp(min=1e-30) for key, norm in after.items()})

    def _concerned(self) -> list[Training]:
        return [each for each in self._trainings() if each.backwards]

    def _tell_idle(self, total: Tensor | None = None) -> bool:
        """Tell of a call that had nothing to clip: before the backward pass, or given no parameters at all, so that the norm is 0
        where gradients are not. Whose gradients these are is known without a look if there is one training only."""
        live = self._trainings()
        if len(live) != 1:
            return False
        empty = total is not None and total.device.type == "cpu" and float(total) == 0
        if live[0].backwards and not (empty and has_gradient(live[0].live_optimizers())):
            return False
        live[0].loop.idle_clips += 1
        self._remember("empty_clip" if live[0].backwards else "idle_clip", user_call(sys._getframe(2)), live)
        return True

    def _tell(self, factors: dict[int, Tensor]) -> None:
        for training in self._concerned():
            if (factor := factors.get(id(training))) is not None:
                training.loop.clipped = float(factor) if factor.device.type == "cpu" else factor.reshape(())
            training.loop.unused.computed(training.live_optimizers)
        self._remember("clip", user_call(sys._getframe(1)), self._concerned())


def _norm(training: Training) -> Tensor:
    """The norm of all gradients that the optimizers of a training will be given."""
    held = [
        each for optimizer in training.live_optimizers() for group in optimizer.param_groups for each in group["params"]
    ]
    given = [each.grad for each in held if each.grad is not None and each.grad.layout is torch.strided]
    return torch.stack(list(torch._foreach_norm(given))).norm() if given else torch.zeros(())
