"""The data a model was trained on, from the rows that recorded steps returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from deeplocalize.trace.batch import batch_scalars, prediction_scalars
from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.data import DataCollector, row_indices
from deeplocalize.trace.schema import Loss, Sample


class Batches:
    """Gathers the DataCard of a training."""

    def __init__(self) -> None:
        self._data = DataCollector()
        self.seen = 0

    def add(
        self, step: int, rows: Mapping[str, Any], values: Mapping[Any, float], loss: Loss | None
    ) -> dict[str, float]:
        """Take the rows of a step: ``input:<name>``, ``target:<objective>``, ``prediction``. Returns its scalars."""
        arrays = {name: keras.ops.convert_to_numpy(each) for name, each in rows.items()}
        self.seen += bool(arrays)
        examples = int(values.get(("step", 0, "batch_size"), 0)) or None
        inputs = {name.partition(":")[2]: each for name, each in arrays.items() if name.startswith("input:")}
        for name, each in inputs.items():
            self._data.add_input(name, _numbers(each), int(values.get(("batch", 0, name), 0)), examples)
        for name, each in arrays.items():
            if name.startswith("target:"):
                self._data.add_target(int(name.partition(":")[2]), _numbers(each), examples)
        return self._judge(
            step, next(iter(inputs.values()), None), arrays.get("target:0"), arrays.get("prediction"), loss
        )

    def _judge(self, step: int, inputs: Any, targets: Any, predictions: Any, loss: Loss | None) -> dict[str, float]:
        if predictions is None:
            return {}
        predictions = _numbers(predictions)
        if inputs is not None and targets is not None and predictions.ndim:
            self._data.add_rows(step, _numbers(inputs), _numbers(targets), predictions)
        targets = None if targets is None else _numbers(targets)
        digest = batch_scalars(None if inputs is None else _numbers(inputs), targets, loss)
        return prediction_scalars(predictions, targets, loss) | digest

    def add_arrays(self, x: Any, y: Any, input_names: list[str]) -> None:
        """Take what fit() was given, where no step came so far as to show it."""
        arrays = _arrays(x)
        names = input_names if len(input_names) == len(arrays) else list(arrays)
        for name, value in zip(names, arrays.values(), strict=True):
            nonfinite = int((~np.isfinite(value)).sum()) if value.dtype.kind == "f" else 0
            self._data.add_input(name, value[row_indices(len(value))], nonfinite, len(value))
        for at, value in enumerate(_arrays(y).values()):
            self._data.add_target(at, value[row_indices(len(value))], len(value))

    def card(self, loss: Loss | None, units: int | None) -> DataCard:
        """The DataCard so far."""
        return self._data.card(loss, units)

    def sample(self) -> Sample | None:
        """The latest rows."""
        return self._data.sample()


def _numbers(array: np.ndarray) -> np.ndarray:
    """In a type that numpy itself knows; bfloat16 and the like are not."""
    return array if array.dtype.kind in "biuf" else array.astype(np.float32)


def _arrays(given: Any) -> dict[str, np.ndarray]:
    """Arrays of numbers with examples on the first axis, by name."""
    if isinstance(given, dict):
        named = {str(name): value for name, value in given.items()}
    else:
        listed = given if isinstance(given, list | tuple) else [given]
        named = {"input" if not at else f"input.{at}": value for at, value in enumerate(listed)}
    found = {
        name: np.asarray(value)
        for name, value in named.items()
        if hasattr(value, "__array__") and len(getattr(value, "shape", ()))
    }
    return {name: value for name, value in found.items() if value.dtype.kind in "biuf"}
