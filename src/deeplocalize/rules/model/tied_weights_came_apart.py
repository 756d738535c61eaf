"""An embedding and an output layer began with the same values and came apart: they were meant to share one parameter.

What it means
The values of one layer's weights were copied into the other, by `clone`, `.data`, `set_weights` or a checkpoint that has them
once. Sharing needs the same parameter in both places; after a copy each is trained by itself.

Why it hurts
A word or an item is learned twice, once where it is read and once where it is predicted. What is rare is seen too seldom for
that: the layer has twice the numbers to fit, and learns its examples by heart.

How it is recognized
All of this holds:
- An embedding and a dense layer have kernels of equally many numbers, whose mean, RMS, minimum and maximum agreed in the first
  recorded step to `same` = 0.0001 of the RMS, which rounding explains and chance does not. They are not all the same number.
- In the last recorded step their RMS differ by more than `apart` = 0.01, so they are two parameters.
- It does harm: the validation loss has risen by more than a quarter from its best, while the training loss still falls.

How to fix it
Let both layers hold one parameter: `head.weight = embed.weight`, after the last conversion or loading. In Keras, multiply by
the embedding's own matrix: `keras.ops.matmul(x, keras.ops.transpose(embedding.embeddings))`.

When it is wrong
An output layer may begin as a copy of the embedding on purpose, and do better for it: language models with much text are
left alone, as they do not overfit. Two layers that draw from one initializer with a fixed seed begin alike, too. Of kernels of more
than 16,384 numbers a sample is compared, which does not fit where one of them is the other transposed, as in Keras.

References
O. Press and L. Wolf: Using the Output Embedding to Improve Language Models, 2017. https://arxiv.org/abs/1608.05859
Y. Jiang et al., TrainCheck, 2025: shared weights that drifted apart. https://arxiv.org/abs/2506.14813
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.places import called
from deeplocalize.signals.quality import overfits
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Layer, Trace

STATS = ("mean", "rms", "min", "max")


@rule(
    code="M507",
    severity=Severity.MEDIUM,
    needs=("loss", "layers", "validation.loss", *(Series("weight", stat) for stat in STATS)),
    explains=(
        "no-generalization",
        "overfitting",
    ),
)
def check(trace: Trace, *, same: float = 1e-4, apart: float = 0.01) -> Iterator[Finding]:
    """Yield one finding for each dense layer that began as an embedding and is another by now."""
    if not overfits(trace):
        return
    of_kind = {kind: [each for each in trace.layers if each.kind == kind] for kind in ("embedding", "dense")}
    for embedding, dense in itertools.product(of_kind["embedding"], of_kind["dense"]):
        if embedding.parameters not in (dense.parameters, dense.parameters - _units(dense)):
            continue
        first, last = (_difference(trace, embedding.index, dense.index, row) for row in (0, -1))
        if not np.max(first) <= same or not last[STATS.index("rms")] > apart:
            continue
        yield _finding(trace, embedding, dense, float(np.max(first)), same, float(last[STATS.index("rms")]), apart)


def _units(layer: Layer) -> int:
    return (layer.output_shape or (None,))[-1] or 0


def _difference(trace: Trace, one: int, other: int, row: int) -> np.ndarray:
    """By how much each statistic of two kernels differs, over the RMS of the first; NaN where a kernel does not vary."""
    known = {stat: trace.series("weight", stat)[:, [one, other]] for stat in STATS}
    rows = np.flatnonzero(np.isfinite(known["rms"]).all(axis=1))
    if not len(rows):
        return np.full(len(STATS), math.nan)
    here = {stat: values[rows[row]] for stat, values in known.items()}
    if not here["max"][0] > here["min"][0]:
        return np.full(len(STATS), math.nan)
    return np.array([abs(here[stat][1] - here[stat][0]) / here["rms"][0] for stat in STATS])


def _finding(
    trace: Trace, embedding: Layer, dense: Layer, began: float, same: float, ended: float, apart: float
) -> Finding:
    names = f"{called(trace, dense.index)} and {called(trace, embedding.index)}"
    return Finding(
        message=f"The weights of {names} began with the same values but are two parameters: each was trained by itself, and "
        "the network learns its training data by heart.",
        locus=Locus("initializer", dense.index, dense.sources.get("initializer") or dense.source),
        evidence=(
            Evidence("largest difference of their statistics in the first step, over the RMS", began, "<=", same),
            Evidence("difference of their RMS in the last step, over the RMS", ended, ">", apart),
        ),
        remedies=(Remedy("Let both layers hold the same parameter instead of the same values"),),
        strength=1.0,
        first_step=int(trace.sampled[0]),
    )
