"""Every step trains on the same batch, although the data set has more.

What it means
The program asks for the first batch again and again: `next(iter(loader))` inside the loop begins a new pass over the data
each time. Or the data set hands out the same examples whatever index it is asked for.

Why it hurts
The network learns these few examples by heart and never sees the rest. The training loss falls to nothing, and on all
other data the network is poor.

How it is recognized
All of this holds:
- The training is fed by a data loader (or a `PyDataset` of Keras) that makes `several` = 2 different batches or more, and
  handed out one in most steps. Where the whole data set is one batch, each step is meant to be the same.
- In `same` = 0.95 of the recorded steps, and in at least `least` = 20 of them, the inputs of the batch are the same numbers.
  One pass over the data may be that short, so that a batch comes back; hardly any comes back at once, in each step.
- Or they are the same but for noise, as where a data set augments what it hands out: in `same` of at least `least` recorded
  steps the most frequent label has the same share; and of the batches whose rows are kept, successive ones have the same
  targets in the same order, and to `same` of the rows the one that comes in their place is nearer than all others of their
  label. Batches that come back because the order of all stays the same are no such pair.
- The inputs are not constant (that is another fault), and in PyTorch the user's own loop takes the batches: libraries
  repeat a batch if they are asked to.

How to fix it
Go over the loader: `for x, y in loader:`. If steps are counted instead of epochs, make the iterator once, before the loop,
and a new one when it ends. In a data set of your own, use the index.

When it is wrong
Overfitting one batch is a good test of a new program. Take the batch once, before the loop, or hand the loader a subset of
the data that is one batch; neither is accused.

References
PyTorch forum, next(iter(dataloader)). https://discuss.pytorch.org/t/how-to-iterate-over-a-dataset-in-pytorch/1627
A. Karpathy, A Recipe for Training Neural Networks ("overfit one batch"). https://karpathy.github.io/2019/04/25/recipe/
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.repetition import rows_again
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import FloatArray, Source, Trace


@rule(
    code="D106",
    severity=Severity.HIGH,
    needs=("steps", "inputs", "input.digest"),
    explains=(
        "no-generalization",
        "one-class-only",
    ),
)
def check(trace: Trace, *, several: int = 2, same: float = 0.95, least: int = 20) -> Iterator[Finding]:
    """Yield one finding if the recorded steps have one batch in common, and there are others."""
    batches = trace.run.batches or 0
    if batches < several or not _is_asked(trace):
        return
    digests, majorities = recorded(trace.scalar("input.digest")), recorded(trace.scalar("target.majority"))
    repeated, what, but = _most_frequent(digests), "recorded steps with the same inputs", ""
    share = repeated / len(digests)
    if share < same and _most_frequent(majorities) >= max(least, same * len(majorities)):
        repeated, share = len(majorities), rows_again(trace, batches)
        what, but = "rows kept that come back in the next batch, near where they were", ", but for noise,"
    if repeated < least or not share >= same:
        return
    yield Finding(
        message=f"The same batch{but} was trained on in {repeated} of {len(digests)} recorded steps, although the data set makes "
        f"{batches:,} different ones: the rest of the data is never seen.",
        locus=Locus("data", source=_line(trace)),
        evidence=(
            Evidence(f"share of the {what}", share, ">=", same),
            Evidence("different batches that the data set makes", batches, ">=", several),
        ),
        remedies=(_remedy(trace),),
        first_step=int(trace.steps[0]),
    )


def _most_frequent(values: FloatArray) -> int:
    """How often the most frequent of the values is among them."""
    return int(np.unique(values, return_counts=True)[1].max(initial=0))


def _is_asked(trace: Trace) -> bool:
    """True if the inputs are no constants and nobody else than the program itself can have chosen the batch."""
    card = trace.data.inputs[0]
    return card.constant_columns < card.columns and (trace.run.framework != "torch" or "batch" in trace.run.sources)


def _asks_anew(trace: Trace) -> bool:
    line = trace.run.sources.get("batch")
    return line is not None and "next(" in (line.text or "")


def _line(trace: Trace) -> Source | None:
    return call_line(trace, "batch" if _asks_anew(trace) else "loader", "inputs", "fit", "batch")


def _remedy(trace: Trace) -> Remedy:
    if _asks_anew(trace):
        return Remedy("Make the iterator once, before the loop", "next(iter(loader))", "for x, y in loader:")
    return Remedy("Use the index in the data set: return the examples that it asks for")
