"""The data of the recorded steps: inputs, targets and predictions, as they were really trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from deeplocalize.frameworks.torch import stats
from deeplocalize.frameworks.torch.models import Model
from deeplocalize.frameworks.torch.objective import Reading, to_rows, to_targets
from deeplocalize.trace.batch import batch_scalars, prediction_scalars
from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.data import DataCollector
from deeplocalize.trace.schema import Sample

CARD_SAMPLES = 64
"""So many recorded steps feed the DataCard; after that only predictions are looked at."""


class Batches:
    """Gathers what the DataCard says.

    Attributes:
        seen: the recorded steps so far.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._data = DataCollector()

    def look(self, models: Sequence[Model], readings: Sequence[Reading], step: int) -> dict[str, float]:
        """Take the batch of a recorded step; returns its scalars."""
        self.seen += 1
        scalars: dict[str, float] = {}
        if self.seen <= CARD_SAMPLES:
            self._look_at_inputs(models)
        for at, reading in enumerate(readings):
            predictions, targets = reading.rows()
            every = to_targets(reading.target) if at == 0 or self.seen <= CARD_SAMPLES else None
            if at == 0 and reading.target is not None and reading.target.ndim:
                scalars["target.count"] = float(len(reading.target))
            if self.seen <= CARD_SAMPLES and every is not None:
                self._data.add_target(at, every, len(reading.target))
            if at == 0 and predictions is not None:
                scalars |= prediction_scalars(predictions, targets, reading.loss)
                scalars |= batch_scalars(first_input(models), every, reading.loss)
                self._keep_rows(models, predictions, targets, step)
        return scalars | count_nonfinite(models, readings)

    def _look_at_inputs(self, models: Sequence[Model]) -> None:
        for model in models:
            for name, tensor in model.last_inputs:
                rows = to_rows(tensor)
                if rows is not None:
                    bad = _count(tensor) if stats.is_plain(tensor) else 0.0
                    shown = name if len(models) == 1 else f"{model.name}.{name}"
                    self._data.add_input(shown, rows, int(bad), len(tensor))

    def _keep_rows(self, models: Sequence[Model], predictions: Any, targets: Any, step: int) -> None:
        inputs = first_input(models)
        if inputs is not None and targets is not None and len(inputs) == len(targets) == len(predictions):
            self._data.add_rows(step, inputs, targets, predictions)

    def card(self, readings: Sequence[Reading]) -> DataCard:
        """The DataCard; a sum of several losses has no trivial baseline that could be told from one of them."""
        only = readings[0] if len(readings) == 1 else None
        return self._data.card(only.loss if only else None, only.objective({}).head.units if only else None)

    def sample(self) -> Sample | None:
        """A bounded number of the latest rows."""
        return self._data.sample()


def first_input(models: Sequence[Model]) -> Any:
    """Rows of the first input, None if there is none."""
    return next((to_rows(tensor) for model in models for _, tensor in model.last_inputs), None)


def count_nonfinite(models: Sequence[Model], readings: Sequence[Reading]) -> dict[str, float]:
    """How many values of the batch are not finite, and of what was made of it."""
    given = [tensor for model in models for _, tensor in model.last_inputs if stats.is_plain(tensor)]
    counts = {"input.nonfinite": sum(_count(tensor) for tensor in given)}
    if readings and stats.is_plain(readings[0].target):
        counts["target.nonfinite"] = _count(readings[0].target)
    if readings and stats.is_plain(readings[0].prediction):
        counts["prediction.nonfinite"] = _count(readings[0].prediction)
    return counts


def _count(tensor: Tensor | None) -> float:
    if tensor is None:
        return 0.0
    if stats.on_host(tensor):
        return float(stats.count_nonfinite(tensor))
    return float((~torch.isfinite(tensor)).sum().item())
