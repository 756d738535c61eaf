"""What one step does to the parameters: their gradients, their values before it, and how it changes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from deeplocalize.frameworks.torch import describe, stats
from deeplocalize.frameworks.torch.layers import LayerState


class Parameters:
    """Takes the gradients, weights and updates of the step that is going on; layers are told by their place in a list.

    Attributes:
        columns: rows of statistics by role and layer.
        norms: for each parameter with a gradient its layer's place (-1 for none) and the gradient's norm, as two lists.
        reached: for each layer the share of its trainable parameters that have a gradient.
        cleared: 1 if the optimizer was given no gradient but zeros, 0 if one, NaN if that was not looked at.
    """

    def __init__(self) -> None:
        self._layers: list[LayerState] = []
        self._owners: dict[int, int] = {}
        self.next_step()

    def belong_to(self, layers: list[LayerState]) -> None:
        """State the layers of the training."""
        self._layers = layers
        self._owners = {id(each): at for at, layer in enumerate(layers) for each in reversed(layer.parameters)}

    def next_step(self) -> None:
        """Forget the step."""
        self.columns: dict[tuple[str, int], stats.Row] = {}
        self.norms: tuple[list[int], list[Tensor]] | None = None
        self.reached: list[float] = []
        self.cleared = math.nan
        self._weights: dict[int, Tensor] = {}

    def take_norms(self, optimizer: torch.optim.Optimizer, beside_others: bool) -> None:
        """Take the norms of the gradients that an optimizer is given, in addition to those that others were given."""
        given = _with_gradient(optimizer)
        if given:
            norms = list(torch._foreach_norm([each.grad for each in given]))
            owners = [self._owners.get(id(each), -1) for each in given]
            before = self.norms if beside_others and self.norms else ([], [])
            self.norms = (before[0] + owners, before[1] + norms)

    def take_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Take the statistics of the gradients of all layers."""
        self.cleared = float(not _any_gradient(_with_gradient(optimizer)))
        self.reached = []
        for at, layer in enumerate(self._layers):
            trainable = [each for each in layer.parameters if each.requires_grad]
            self.reached.append(share(each.grad is not None for each in trainable))
            gradients = [each.grad for each in describe.kernels(layer.parameters) if each.grad is not None]
            every = [each.grad for each in trainable if each.grad is not None]
            if gradients and all(stats.is_plain(gradient) for gradient in [*gradients, *every]):
                self.columns["weight_gradient", at] = stats.parameter_row(stats.strided(*gradients), every)

    def take_weights(self) -> None:
        """Take the statistics of the weights of all layers, before they are changed."""
        for at, layer in enumerate(self._layers):
            parameters = layer.parameters
            if not parameters or at in self._weights or not all(stats.is_plain(each) for each in parameters):
                continue
            self._weights[at] = read = stats.strided(*describe.kernels(parameters))
            self.columns["weight", at] = stats.parameter_row(read, parameters)

    def take_updates(self) -> None:
        """Take the statistics of what was added to the weights since `take_weights`."""
        for at, before in self._weights.items():
            after = stats.strided(*describe.kernels(self._layers[at].parameters))
            half = after.dtype in (torch.float16, torch.bfloat16)
            update = after.float() - before.float() if half else after - before
            self.columns["weight_update", at] = stats.parameter_row(update, [update])


def held_by(*optimizers: torch.optim.Optimizer) -> set[int]:
    """The ids of the parameters that optimizers hold."""
    return {id(each) for optimizer in optimizers for group in optimizer.param_groups for each in group["params"]}


def share(flags: Iterable[bool]) -> float:
    """The share of flags that are true; NaN for none."""
    values = list(flags)
    return sum(values) / len(values) if values else math.nan


def _with_gradient(optimizer: torch.optim.Optimizer) -> list[torch.nn.Parameter]:
    held = [each for group in optimizer.param_groups for each in group["params"]]
    return [each for each in held if each.grad is not None and each.grad.layout is torch.strided]


def _any_gradient(parameters: Sequence[torch.nn.Parameter]) -> bool:
    """True if a gradient is not zero everywhere; looks at the smallest first."""
    if not parameters or not stats.on_host(parameters[0]):
        return bool(parameters)
    return any(bool(each.grad.any()) for each in sorted(parameters, key=Tensor.numel))
