"""The gradients of several passes are added up for a step, and not averaged.

What it means
A step gathers the gradients of several batches, since they do not fit into memory at once. `backward` adds them up; the loss
was not divided by their number.

Why it hurts
The gradient, and with plain gradient descent each step, is as many times longer as there are passes. A learning rate that is
right for one large batch is far too high then: the loss jumps, gets stuck or overflows.

How it is recognized
All of this holds:
- A step gathers two or more backward passes, as the median over the steps, each with a forward pass of its own. Several
  losses of one forward pass are a sum that is meant.
- The program does not divide the loss: what it multiplies it with is more than the root of the share of one pass.
- The optimizer is plain or with momentum; those that divide by the gradient's size (Adam, RMSprop) do not feel a factor.
- Steps are huge: within `window` = 10 of them the weights travelled more than `limit` = 1 time their own size, as under
  learning-rate-too-high.
- Divided by the number of passes, the first step would have been no longer than `usual` = 0.01 of the weights, ten times the
  thousandth that is usual: so the sum is the cause, and not a rate that would be too high for an average as well.
- It does harm: the loss is not finite, or twice what it was at the start, or after 100 steps and 3,200 examples nothing shows
  that the network learns.

How to fix it
Divide the loss by the number of passes before `backward`, or the learning rate.

When it is wrong
Sums are meant where the rate was chosen for them. A network that learns is not accused.

References
PyTorch, gradient accumulation. https://docs.pytorch.org/docs/stable/notes/amp_examples.html#gradient-accumulation
P. Goyal et al.: Accurate, Large Minibatch SGD, 2017. https://arxiv.org/abs/1706.02677
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.settings import call_line
from deeplocalize.signals.summing import UPDATE, does_harm, measures, told, too_long_by
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace


@rule(
    code="T409",
    severity=Severity.MEDIUM,
    needs=("steps", "loss", "backwards", "forwards", "optimizer", Series("weight", "rms"), UPDATE),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, limit: float = 1.0, window: int = 10, usual: float = 0.01) -> Iterator[Finding]:
    """Yield one finding if adding up the gradients of several passes made the steps too long."""
    gathered = _gathered(trace)
    if gathered < 2 or any(abs(each.loss.factor) * math.sqrt(gathered) <= 1 for each in trace.run.objectives):
        return
    steps = too_long_by(trace, gathered, limit, window, usual)
    if steps is None or not does_harm(trace):
        return
    yield Finding(
        message=f"Each step adds up the gradients of {gathered:g} passes instead of averaging them, so that it is {gathered:g} "
        f"times as long: {told(trace, steps)}",
        locus=Locus("training-loop", source=call_line(trace, "backward", "step")),
        evidence=tuple(Evidence(*each) for each in measures(steps, gathered, limit, usual, "passes")),
        remedies=(
            Remedy(
                "Divide the loss by the number of passes that a step gathers",
                "loss.backward()",
                f"(loss / {gathered:g}).backward()",
            ),
        ),
        strength=strength_of(steps.farthest, limit),
        first_step=steps.since,
    )


def _gathered(trace: Trace) -> float:
    """How many passes, forward and backward, a step usually gathers."""
    forwards, backwards = (recorded(trace.scalar(name)) for name in ("forwards", "backwards"))
    return float(min(np.median(forwards), np.median(backwards))) if len(forwards) and len(backwards) else 1.0
