"""Everything is frozen: the optimizer has nothing to train.

What it means
Training goes on, but no parameter may change: all are marked as not trainable, or all that the optimizer holds are.

Why it hurts
The loss only reflects which batch was drawn. The run costs time and returns the network it was given.

How it is recognized
By the program itself: the number of trainable parameters of the model, or of those that the optimizer holds, is
`most` = 0 while optimizer steps are taken. One trainable parameter is enough for the rule to be silent.

How to fix it
Unfreeze at least the output layer: `layer.trainable = True` before compile in Keras, `requires_grad_(True)` before the
optimizer is built in PyTorch. In Keras, compile again after every change of `trainable`.

When it is wrong
Steps that are taken to gather statistics alone, such as those of batch normalization, need no parameter. That is rare
enough to be shown.

References
Keras, transfer learning and fine-tuning. https://keras.io/guides/transfer_learning/
PyTorch, autograd mechanics: locally disabling gradient computation. https://docs.pytorch.org/docs/stable/notes/autograd.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace


@rule(
    code="O304",
    severity=Severity.HIGH,
    needs=("layers",),
    explains=("learning-rate-too-low", "loss-no-better-than-constant", "weights-never-change"),
)
def check(trace: Trace, *, most: int = 0) -> Iterator[Finding]:
    """Yield one finding if no parameter that an optimizer holds may be trained."""
    run = trace.run
    free = min(run.trainable, _held_and_free(trace))
    if not run.parameters or free > most or not _trains(trace):
        return
    what = f"none of the {run.parameters:,} parameters of {run.model}"
    if run.trainable > most:
        what = f"none of the {run.optimized:,} parameters that the optimizer holds"
    optimizer = run.optimizers[0].source if run.optimizers else None
    yield Finding(
        message=f"Training goes on, but {what} may be trained, so the network cannot change.",
        locus=Locus("optimizer", source=optimizer or call_line(trace, "compile", "fit", "step")),
        evidence=(Evidence("trainable parameters held by an optimizer", free, "<=", most),),
        remedies=(Remedy("Make at least the output layer trainable before the optimizer is built (or compile again)"),),
    )


def _trains(trace: Trace) -> bool:
    """True if steps are taken, or if backward refused to take one because nothing requires a gradient."""
    crash = trace.run.crash
    return len(trace.steps) > 0 if crash is None else "does not require grad" in crash.message


def _held_and_free(trace: Trace) -> int:
    """Parameters that are held and trainable, from the layers; all trainable ones where the layers do not tell."""
    held, free = trace.series("layer", "optimized"), trace.series("layer", "trainable")
    if not np.isfinite(held).any() or not np.isfinite(free).any() or not trace.run.optimized:
        return trace.run.trainable
    sizes = np.array([layer.parameters for layer in trace.layers])
    both = np.nan_to_num(np.minimum(held, free)).max(axis=0)
    return int(np.ceil(both * sizes).sum())
