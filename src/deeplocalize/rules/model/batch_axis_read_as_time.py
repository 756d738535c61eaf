"""A recurrent or attention layer takes the axis of the examples for time.

What it means
`nn.LSTM`, `nn.GRU`, `nn.RNN`, `nn.MultiheadAttention` and the transformer layers of PyTorch expect (time, batch, features)
unless they are built with `batch_first=True`. Given (batch, time, features), they run along the examples of the batch as if
these came one after the other, for each position in time separately.

Why it hurts
Nothing fails, since the shapes fit. But what is answered for one example depends on those that happen to stand before it
in the batch, and each position knows nothing of the others: a network that takes the last one sees a single position.

How it is recognized
The trace says of each such layer how long the axis is that it takes for time, and how long the one that it takes for the
batch. All of this holds of a layer, in all recorded steps where the two differ and the second is longer than 1; `least` = 5
such steps are needed, so that a few lengths that are equal by chance are no evidence:
- There are as many targets as the axis taken for *time* is long.
- Neither targets nor predictions have another axis that is as long as the one taken for the batch. Otherwise the program
  may be one that puts time first and has a target for each position.
A program may take one long series for its batch and answer once for each moment, all series at once. Then what follows
in time is alike: the rows of a batch are taken for moments if neighbors differ by less than `mixed` = 0.8 of what any two
rows of the batch differ by (their squares; 1 = no order), in inputs or in targets. Such a program is left alone if it
learns well. So is one with attention between the examples if another layer takes them for the batch: that is done on purpose.

How to fix it
Build the layer with `batch_first=True`, or hand it the input with its first two axes exchanged.

When it is wrong
Programs that put time first and do so throughout have their targets along the batch, or flattened, and are not accused. Where
time and batch are equally long, or the targets are flattened, nobody can tell; nor where a single sequence is given.
In Keras these layers have one order of axes only.

References
PyTorch, LSTM, argument batch_first. https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
PyTorch forum, could someone explain batch_first=True in LSTM. https://discuss.pytorch.org/t/15402
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import CannotEvaluate, rule
from deeplocalize.signals.over_depth import in_order
from deeplocalize.signals.places import called
from deeplocalize.signals.quality import learns_well
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import FloatArray, IntArray, Trace

Flags = NDArray[np.bool_]

TIME, BATCH = Series("layer", "time_axis"), Series("layer", "batch_axis")


@rule(
    code="M506",
    severity=Severity.HIGH,
    needs=("layers",),
    explains=(
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "overfitting",
        "too-few-steps",
        "vanishing-gradient",
    ),
)
def check(trace: Trace, *, least: int = 5, mixed: float = 0.8) -> Iterator[Finding]:
    """Yield one finding, for the first layer that runs along the examples."""
    if not any(layer.settings.get("batch_first") is False for layer in trace.layers):
        return
    if missing := trace.missing(TIME, BATCH, "target.count"):
        raise CannotEvaluate(f"not recorded: {', '.join(missing)}")
    counts = trace.scalar("target.count")[np.searchsorted(trace.steps, trace.sampled)]
    along = {at: steps for at in in_order(trace) if (steps := _steps_along_targets(trace, at, counts, TIME)) >= least}
    if not along or _has_axis_for_batch(trace, list(along)):
        return
    first, steps = next(iter(along.items()))
    order, well = _likeness_of_neighbors(trace), learns_well(trace)
    if _is_meant(trace, first, counts) or (well and (order is None or order < mixed)):
        return
    others = f", as {'do' if len(along) > 2 else 'does'} {len(along) - 1} more" if len(along) > 1 else ""
    length, taken = (float(trace.series(*each)[_telling(trace, first, counts), first][0]) for each in (TIME, BATCH))
    name = called(trace, first)
    yield Finding(
        message=f"{name[:1].upper()}{name[1:]} runs along the examples of the batch as if they were time{others}: it takes the "
        f"axis of {length:g} examples for time and the other, of {taken:g} positions, for the batch.",
        locus=Locus("data", first, trace.layers[first].source),
        evidence=(
            Evidence(
                "recorded steps in which there are as many targets as the axis taken for time is long",
                steps,
                ">=",
                least,
            ),
        ),
        remedies=(Remedy("Say that the batch comes first", "batch_first=False", "batch_first=True"),),
        strength=0.75 if well else 1.0,
    )


def _telling(trace: Trace, at: int, counts: FloatArray) -> Flags:
    """Which recorded steps tell the axes of a layer apart: neither where both are equally long, nor where there is one
    sequence only."""
    time, batch = (trace.series(*each)[:, at] for each in (TIME, BATCH))
    return np.asarray(np.isfinite(counts) & np.isfinite(time) & (time != batch) & (batch > 1))


def _steps_along_targets(trace: Trace, at: int, counts: FloatArray, axis: Series) -> int:
    """In how many telling steps there were as many targets as this axis of a layer is long; 0 if in any there were not."""
    telling, own = _telling(trace, at, counts), trace.series(*axis)[:, at]
    return int(telling.sum()) if (own == counts)[telling].all() else 0


def _has_axis_for_batch(trace: Trace, layers: list[int]) -> bool:
    """True if targets or predictions have a further axis as long as the one that a layer takes for the batch."""
    lengths = set(trace.series(*BATCH)[:, layers].ravel())
    axes: list[int | None] = []
    for card in trace.data.targets:
        axes += card.shape[:-1] if card.encoding in ("one-hot", "probabilities") else card.shape
    for objective in trace.run.objectives:
        axes += (objective.head.shape or ()) if objective.loss.targets == "elementwise" else ()
    return any(length is None or float(length) in lengths for length in axes)


def _is_meant(trace: Trace, at: int, counts: FloatArray) -> bool:
    """True if this is attention and another layer takes the examples for its batch."""
    others = [each for each in range(len(trace.layers)) if _steps_along_targets(trace, each, counts, BATCH)]
    return trace.layers[at].kind == "attention" and bool(others)


def _likeness_of_neighbors(trace: Trace) -> float | None:
    """How much neighbors in a batch differ, in squares, as a share of what any two rows of it do: about 1 if the rows are in
    no order. The smaller of inputs and targets; None if too few rows are known."""
    sample = trace.sample
    if sample is None or len(sample.steps) < 32:
        return None
    return min(_share_of_difference(rows, sample.steps) for rows in (sample.inputs, sample.targets))


def _share_of_difference(rows: FloatArray, steps: IntArray) -> float:
    flat = np.nan_to_num(rows.reshape(len(rows), -1))
    near = np.square(np.diff(flat, axis=0))[np.diff(steps) == 0]
    groups = [flat[steps == step] for step in np.unique(steps)]
    far = [2 * group.var(axis=0, ddof=1) * (len(group) - 1) for group in groups if len(group) > 1]
    return float(near.sum() / max(np.sum(far), 1e-300)) if far else 1.0
