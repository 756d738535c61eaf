"""The loss and the accuracy on other data, where the program itself computes that loss, with a loss module that it also trains
by, or with a function for a loss of that kind, such as ``F.cross_entropy``."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from deeplocalize.frameworks.session import Session
from deeplocalize.frameworks.torch.calling import returns
from deeplocalize.frameworks.torch.calls import LOSS_CALLS
from deeplocalize.frameworks.torch.objective import Reading
from deeplocalize.trace.schema import Loss

FUNCTIONS = {
    nn.CrossEntropyLoss: "cross_entropy",
    nn.NLLLoss: "nll_loss",
    nn.MultiMarginLoss: "multi_margin_loss",
    nn.BCELoss: "binary_cross_entropy",
    nn.BCEWithLogitsLoss: "binary_cross_entropy_with_logits",
}
"""The function of each loss module by whose prediction right answers can be told."""

CLASSES = ("cross_entropy", "nll_loss", "multi_margin_loss")
THRESHOLDS = {"binary_cross_entropy": 0.5, "binary_cross_entropy_with_logits": 0.0}

MOST_EVENTS = 300
"""The loss is expected within so many calls and returns after a pass."""

MOST_IN_VAIN = 20
"""Who asks a network so often without computing a loss from its answers is not expected to do so any more."""


@dataclass
class Computed:
    """Losses, shares of right answers, and the mean square of targets that are quantities, with the number of examples of each."""

    losses: list[tuple[int, Tensor]] = field(default_factory=list)
    right: list[tuple[int, Tensor]] = field(default_factory=list)
    squares: list[tuple[int, Tensor]] = field(default_factory=list)

    def scalars(self) -> dict[str, float | Tensor]:
        """The scalars ``validation.*`` that are known."""
        if not self.losses:
            return {}
        found: dict[str, float | Tensor] = {"validation.loss": _mean(self.losses)}
        if len(self.right) == len(self.losses):
            found["validation.accuracy"] = _mean(self.right)
        if len(self.squares) == len(self.losses):
            found["validation.target_rms"] = _mean(self.squares).sqrt()
        return found


class Results:
    """Losses since the last step, weighed by the number of examples."""

    def __init__(self) -> None:
        self._by_module, self._by_function = Computed(), Computed()

    def add(
        self, function: str | None, prediction: Any, target: Any, output: Any, *, by_function: bool = False
    ) -> None:
        """A loss was computed without gradients; `function` is the one that computes it, if it is known."""
        if not isinstance(output, Tensor) or output.numel() != 1:
            return
        if not (isinstance(prediction, Tensor) and isinstance(target, Tensor) and target.ndim and len(target)):
            return
        computed = self._by_function if by_function else self._by_module
        computed.losses.append((len(target), output.detach().reshape(())))
        if (right := right_answers(function, prediction, target)) is not None:
            computed.right.append((len(target), right))
        elif target.is_floating_point() and target.shape == prediction.shape:
            computed.squares.append((len(target), target.detach().double().square().mean()))

    def take(self) -> dict[str, float | Tensor]:
        """What was added since the last time. Where modules computed losses, those of functions say the same again."""
        computed = self._by_module if self._by_module.losses else self._by_function
        self._by_module, self._by_function = Computed(), Computed()
        return computed.scalars()


class LossesElsewhere:
    """The losses that the program computes after passes without gradients, if they can be compared with what it trains by.

    Of modules, those it trains by. Of functions, such as ``F.cross_entropy``, those for the same kind of loss, as smooth and
    without weights: what they return is looked at from the end of a pass until something else begins.
    """

    def __init__(self, session: Session) -> None:
        codes = {each.__code__: name for name in LOSS_CALLS if hasattr(each := getattr(functional, name), "__code__")}
        self._hook = returns(codes, session.contained("validation")(self._returned), MOST_EVENTS)
        self._modules: weakref.WeakSet[nn.Module] = weakref.WeakSet()
        self._trained: Loss | None = None
        self._asked: Results | None = None
        self._in_vain = 0

    def trains_by_module(self, module: nn.Module) -> None:
        """A training step goes by this loss."""
        self._modules.add(module)

    def trains_by(self, readings: Sequence[Reading]) -> None:
        """A training step goes by these terms."""
        if readings:
            loss = readings[0].loss
            plain = len(readings) == 1 and not loss.weighted and loss.reduction == "mean"
            self._trained = loss if plain else None

    def called(self, module: nn.Module, given: Sequence[Any], output: Any, results: Results) -> None:
        """A module that may be a loss was called without gradients."""
        if len(given) >= 2 and module in self._modules and getattr(module, "reduction", None) == "mean":
            results.add(FUNCTIONS.get(type(module)), *given[:2], output)

    def listen(self, results: Results) -> None:
        """A pass without gradients is over: the losses that functions compute now go to `results`."""
        if self._trained is not None and self._in_vain < MOST_IN_VAIN and self._hook.start():
            self._asked = results
            self._in_vain += 1

    def stop(self) -> None:
        """Something else begins."""
        if self._asked is not None:
            self._asked = None
            self._hook.stop()

    def _returned(self, name: str, frame: FrameType, output: Any) -> None:
        caller = frame.f_back
        from_module = caller is not None and caller.f_code.co_filename == nn.modules.loss.__file__
        if self._asked is None or self._trained is None or from_module or torch.is_grad_enabled():
            return
        given = frame.f_locals
        target, reduction, smoothing = given.get("target"), given.get("reduction"), given.get("label_smoothing", 0.0)
        if LOSS_CALLS[name] != self._trained.kind or smoothing != self._trained.label_smoothing:
            return
        if given.get("weight") is not None or reduction not in ("mean", "sum"):
            return
        if reduction == "sum" and isinstance(target, Tensor) and isinstance(output, Tensor):
            output = output / target.numel()
        self._asked.add(name, given.get("input"), target, output, by_function=True)
        self._in_vain = 0


def right_answers(function: str | None, prediction: Tensor, target: Tensor) -> Tensor | None:
    """The share of right answers; None if the loss is not one of classes, or of yes and no."""
    if function in CLASSES and target.ndim == prediction.ndim - 1 and not target.is_floating_point():
        return (prediction.argmax(dim=1) == target).double().mean()
    if function in THRESHOLDS and prediction.shape == target.shape:
        return ((prediction > THRESHOLDS[function]) == (target > 0.5)).double().mean()
    return None


def _mean(values: list[tuple[int, Tensor]]) -> Tensor:
    weights = [float(count) for count, _ in values]
    stacked = torch.stack([value.double() for _, value in values])
    return (stacked * stacked.new_tensor(weights)).sum() / sum(weights)
