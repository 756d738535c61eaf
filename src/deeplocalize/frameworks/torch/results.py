"""The loss and the accuracy on other data, where the program itself computes that loss with a loss module it also trains by."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor, nn

LOGITS = (nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss)


class LossModules:
    """The loss modules that are trained by. What another one says of other data cannot be compared with them."""

    def __init__(self) -> None:
        self._used: weakref.WeakSet[nn.Module] = weakref.WeakSet()

    def trains(self, module: nn.Module) -> None:
        """A training step goes by this loss."""
        self._used.add(module)

    def tells(self, module: nn.Module) -> bool:
        """True if a value of this loss is the mean over the examples, as in training."""
        return module in self._used and getattr(module, "reduction", None) == "mean"


class Results:
    """Losses since the last step, weighed by the number of examples."""

    def __init__(self) -> None:
        self._losses: list[tuple[int, Tensor]] = []
        self._right: list[tuple[int, Tensor]] = []

    def add(self, module: nn.Module, given: list[Any], output: Any) -> None:
        """A loss was computed without gradients."""
        if not isinstance(output, Tensor) or output.numel() != 1 or len(given) < 2:
            return
        prediction, target = given[:2]
        if not (isinstance(prediction, Tensor) and isinstance(target, Tensor) and target.ndim and len(target)):
            return
        self._losses.append((len(target), output.detach().reshape(())))
        if (right := right_answers(module, prediction, target)) is not None:
            self._right.append((len(target), right))

    def take(self) -> dict[str, float | Tensor]:
        """What was added since the last time."""
        losses, right = self._losses, self._right
        self._losses, self._right = [], []
        found = {"validation.loss": _mean(losses)} if losses else {}
        return found | ({"validation.accuracy": _mean(right)} if losses and len(right) == len(losses) else {})


def right_answers(module: nn.Module, prediction: Tensor, target: Tensor) -> Tensor | None:
    """The share of right answers; None if the loss is not one of classes, or of yes and no."""
    if isinstance(module, LOGITS) and target.ndim == prediction.ndim - 1 and not target.is_floating_point():
        return (prediction.argmax(dim=1) == target).double().mean()
    if isinstance(module, nn.BCEWithLogitsLoss | nn.BCELoss) and prediction.shape == target.shape:
        threshold = 0.5 if isinstance(module, nn.BCELoss) else 0.0
        return ((prediction > threshold) == (target > 0.5)).double().mean()
    return None


def _mean(values: list[tuple[int, Tensor]]) -> Tensor:
    weights = [float(count) for count, _ in values]
    stacked = torch.stack([value.double() for _, value in values])
    return (stacked * stacked.new_tensor(weights)).sum() / sum(weights)
