"""Layers that run while gradients are not recorded, though they are a part of a training step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from types import FrameType
from typing import Any

from torch import nn

from deeplocalize.frameworks.source import user_call
from deeplocalize.frameworks.torch import stats
from deeplocalize.frameworks.torch.layers import LayerState
from deeplocalize.frameworks.torch.models import Model

NAME = "no_grad"
"""Under this name a layer's facts tell where it, or the module around it, was called."""


class Apart:
    """Looks at modules that are called without gradients."""

    def __init__(self, trainings: Callable[[list[Model]], Collection[Any]]) -> None:
        """`trainings` tells to which trainings models belong."""
        self._trainings = trainings
        self._outermost: tuple[nn.Module, FrameType] | None = None

    def begins(self, module: nn.Module, frame: FrameType) -> None:
        """A module is called from `frame`."""
        if self._outermost is None:
            self._outermost = module, frame

    def left(self, module: nn.Module) -> None:
        """The call of a module is over."""
        if self._outermost is not None and self._outermost[0] is module:
            self._outermost = None

    def ran(self, model: Model, layer: LayerState, args: tuple[Any, ...], output: Any) -> None:
        """A layer ran. That is a part of a step if it is a part of a forward pass with gradients, or if its model belongs to
        a training and has never been in such a pass. Else it is an evaluation, and nothing is done."""
        if not model.sampling or layer.graph == 1 or (model.trained and not model.passing):
            return
        tensor = stats.first_tensor(output)
        if tensor is None or not (model.passing or self._trainings([model])):
            return
        if model.passing:
            model.take_order(layer)
            layer.watch_output(tensor, stats.first_tensor(args))
        layer.graph = 0.0
        site = user_call(self._outermost[1]) if self._outermost and NAME not in layer.facts.sources else None
        if site is not None:
            layer.facts = dataclasses.replace(layer.facts, sources=layer.facts.sources | {NAME: site.source})
