"""Passes without gradients: which of them show the network on data that it is not trained on, and in which mode.

Inputs are told apart by their rows: each row, or a part of it, becomes a number, and two rows have the same number only if
they are the same. So it does not matter in which order, or in which batches, the rows are given.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deeplocalize.frameworks.source import CallSite
from deeplocalize.frameworks.torch.results import Results
from deeplocalize.trace.schema import Evaluation

MAX_BLOCKS = 8
"""So many stretches of passes are looked at; of those after them only the latest is remembered, without its rows."""

MAX_ROWS = 1 << 14
"""So many rows of a stretch are looked at."""

ROWS_A_STEP = 32
MAX_TRAINED = 1 << 12
ROW_ELEMENTS = 64

MOST_TRAINED = 0.05
"""An evaluation on data that are not trained on may hold this share of the rows that are: data sets have duplicates."""

FAR = 2.0
"""An evaluation whose inputs are so much larger or smaller than those trained on is remembered with its line."""

_MIX = np.random.default_rng(0).integers(1, 1 << 63, ROW_ELEMENTS, np.uint64) | np.uint64(1)

Keys = NDArray[np.uint64]


@dataclass
class Squares:
    """The sum of the squares of some numbers, as far as they are finite, and how many they are."""

    total: float = 0.0
    count: int = 0

    def add(self, values: NDArray[np.float64]) -> None:
        """Take in numbers."""
        known = values[np.isfinite(values)]
        self.total, self.count = self.total + float(np.square(known).sum()), self.count + known.size

    @property
    def rms(self) -> float:
        """The root of their mean; NaN for none."""
        return math.sqrt(self.total / self.count) if self.count else math.nan


@dataclass
class Block:
    """Passes without gradients between two steps."""

    step: int
    site: CallSite | None = None
    in_training: int = 0
    in_evaluation: int = 0
    examples: int = 0
    layers: list[int] = field(default_factory=list)
    rows: list[Keys] = field(default_factory=list)
    whole: bool = True
    squares: Squares = field(default_factory=Squares)

    def keys(self) -> Keys:
        """The numbers of its rows; none if they were not all looked at."""
        return np.concatenate(self.rows) if self.rows and self.whole else np.zeros(0, np.uint64)


class Evaluations:
    """The passes without gradients of one model, told from the data it is trained on.

    Attributes:
        results: what the losses of these passes were, since the last step.
    """

    def __init__(self) -> None:
        self.results = Results()
        self._on_trained = False
        self._first_saved: int | None = None
        self._step = 0
        self._blocks: list[Block] = []
        self._open: Block | None = None
        self._seen = 0
        self._trained: deque[Keys] = deque(maxlen=MAX_TRAINED // ROWS_A_STEP)
        self._squares = Squares()

    def trained_on(self, inputs: Sequence[Tensor]) -> None:
        """A batch that the model is trained on, as the tensors that its forward pass was given."""
        if inputs and len(inputs[0]) and not inputs[0].is_meta:
            values = row_values(inputs[0], step := max(1, len(inputs[0]) // ROWS_A_STEP))
            self._trained.append(_keys(values, inputs, step))
            self._squares.add(values)

    def stepped(self) -> None:
        """The optimizer took a step."""
        self._step += 1
        self._open = None

    def saved(self) -> None:
        """The weights were saved or copied."""
        if self._first_saved is None and self._step:
            self._first_saved = self._step

    def keeps_weights(self) -> bool:
        """True if the weights were saved or copied before the last step."""
        return self._first_saved is not None and self._first_saved < self._step

    @property
    def looks_at_rows(self) -> bool:
        """True if the rows of the next pass are of interest."""
        return self._seen + (self._open is None) <= MAX_BLOCKS

    def took_pass(self, inputs: Sequence[Tensor], active: Sequence[int], site: Callable[[], CallSite | None]) -> None:
        """A pass without gradients; `active` are the layers that answer otherwise than in evaluation mode, and `site` tells
        where the user's program asked for it."""
        block = self._block()
        block.in_evaluation += not active
        block.in_training += bool(active)
        block.layers = block.layers or list(active)
        self._look_at(block, inputs)
        if block.site is None and (active or not 1 / FAR <= self._scale(block) <= FAR):
            block.site = site()

    def _look_at(self, block: Block, inputs: Sequence[Tensor]) -> None:
        if not inputs or inputs[0].is_meta:
            block.whole = False
            return
        count = len(inputs[0])
        block.whole = block.whole and block.examples + count <= MAX_ROWS
        block.examples += count
        if block.whole:
            values = row_values(inputs[0])
            block.rows.append(_keys(values, inputs))
            block.squares.add(values)

    def _scale(self, block: Block) -> float:
        """RMS of what it was given over that of what was trained on; NaN if not known."""
        return block.squares.rms / self._squares.rms if self._squares.total else math.nan

    def validation(self) -> dict[str, float | Tensor]:
        """The loss since the last step, and the accuracy, on data that are not trained on; nothing if they are."""
        found = self.results.take()
        block = self._open
        if found and block is not None and block.rows:
            self._on_trained = self._on_trained or self._share_of_trained(np.concatenate(block.rows)) > MOST_TRAINED
        return {} if self._on_trained else found

    def _share_of_trained(self, keys: Keys) -> float:
        trained = np.unique(np.concatenate(self._trained)) if self._trained else np.zeros(0, np.uint64)
        return float(np.isin(trained, keys).mean()) if len(trained) else math.nan

    def _block(self) -> Block:
        if self._open is None:
            self._open = Block(self._step)
            self._blocks = [*self._blocks[:MAX_BLOCKS], self._open]
            self._seen += 1
        return self._open

    def facts(self, offset: int = 0) -> tuple[Evaluation, ...]:
        """What was seen, where the first layer of the model has the index `offset`."""
        found: list[Evaluation] = []
        sums: set[tuple[int, int]] = set()
        for block in self._blocks:
            keys = block.keys()
            total = (len(keys), int(keys.sum()))
            found.append(
                Evaluation(
                    step=block.step,
                    passes=block.in_training,
                    proper=block.in_evaluation,
                    examples=block.examples,
                    layers=tuple(offset + at for at in block.layers),
                    repeated=1 - len(np.unique(keys)) / len(keys) if len(keys) else None,
                    trained=self._share_of_trained(keys) if len(keys) and self._trained else None,
                    again=total in sums,
                    scale=scale if math.isfinite(scale := self._scale(block)) else None,
                    source=block.site.source if block.site else None,
                )
            )
            sums |= {total} if len(keys) else set()
        return tuple(found)


def row_keys(*inputs: Tensor) -> Keys:
    """A number for each row of tensors [rows, ...] that belong together: a user, an item, and what else is known of them."""
    return _keys(row_values(inputs[0]), inputs)


def row_values(inputs: Tensor, step: int = 1) -> NDArray[np.float64]:
    """Some numbers of every so many-th row of a tensor [rows, ...], always the same ones, [rows, at most ROW_ELEMENTS]."""
    rows, size = inputs.detach()[::step], math.prod(inputs.shape[1:])
    flat = rows.reshape(len(rows), size)[:, :: max(1, -(-size // ROW_ELEMENTS))]
    return np.ascontiguousarray(flat.to(torch.float64).cpu().numpy() if size else np.zeros((len(rows), 0)))


def _keys(first: NDArray[np.float64], inputs: Sequence[Tensor], step: int = 1) -> Keys:
    """The numbers of the rows, where `first` are the values of the first tensor; those of another length do not count."""
    others = [each for each in inputs[1:] if len(each) == len(inputs[0]) and not each.is_meta]
    found = np.zeros(len(first), np.uint64)
    for at, values in enumerate([first, *(row_values(each, step) for each in others)]):
        bits = values.view(np.uint64)
        mixed = ((bits ^ (bits >> np.uint64(29))) * _MIX[: bits.shape[1]]).sum(axis=1, dtype=np.uint64)
        found += mixed * _MIX[at % ROW_ELEMENTS]
    return found


def acts_in_training(module: nn.Module | None) -> bool:
    """True if a layer is in training mode and therefore answers otherwise than in evaluation mode.

    Batch normalization that keeps no averages always goes by the batch, and one without momentum is collecting the
    averages anew.
    """
    if module is None or not module.training:
        return False
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return module.track_running_stats and module.momentum is not None
    return False
