"""What a program was trained on: statistics of the inputs and targets of the batches really used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InputCard:
    """Statistics of one input of the model over the examples really trained on.

    Statistics are over finite values; `columns` counts the features (all positions of an example, flattened, up to a
    bound), `constant_columns` those with one value over all examples seen (it needs 2 examples), and `column_scale` is
    (smallest, median, largest) of the columns' standard deviations. `integral`: all values are whole numbers.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    examples: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    nonfinite: int
    integral: bool
    columns: int
    constant_columns: int
    column_scale: tuple[float, float, float] | None


@dataclass(frozen=True)
class TargetCard:
    """Statistics of the targets of one loss over the examples really trained on.

    `encoding`: class-index (whole numbers, one for each example or position), binary (one column of 0 and 1),
    one-hot, multi-hot, probabilities (rows of numbers in [0, 1] that sum to 1), unit-interval (in [0, 1], not whole),
    continuous, or unknown.
    `counts` are (value, how often), for at most 1,000 distinct whole numbers; for one-hot the value is the column.
    """

    dtype: str
    shape: tuple[int | None, ...]
    examples: int
    encoding: str
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    nonfinite: int
    counts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class DataCard:
    """What the program was trained on.

    `baseline_loss` is the loss of the best constant prediction, in the units of the first objective's loss;
    `baseline_accuracy` the share of the most frequent class. None if the loss or the encoding gives none.
    """

    inputs: tuple[InputCard, ...] = ()
    targets: tuple[TargetCard, ...] = ()
    baseline_loss: float | None = None
    baseline_accuracy: float | None = None
