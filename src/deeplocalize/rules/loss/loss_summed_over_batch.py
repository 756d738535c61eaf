"""The loss is the sum over the batch, which makes every step too long.

What it means
The losses of a batch's examples are added up instead of averaged. The gradient, and with plain gradient descent each step,
is then as many times longer as the batch has examples.

Why it hurts
A learning rate that is right for an average is far too high for a sum: the loss jumps, gets stuck or overflows. And with
another batch size the same rate means something else.

How it is recognized
All of this holds:
- The reduction of every loss term is a sum, and the program does not divide it again.
- The optimizer is plain or with momentum; those that divide by the gradient's size (Adam, RMSprop) do not feel a factor.
- Steps are huge: within `window` = 10 of them the weights travelled more than `limit` = 1 time their own size, as under
  learning-rate-too-high.
- Divided by the number of examples, the first step would have been no longer than `usual` = 0.01 of the weights, ten times
  the thousandth that is usual: so the sum is the cause, and not a rate that would be too high for an average as well.
- It does harm: the loss is not finite, or twice what it was at the start, or after 100 steps and 3,200 examples nothing shows
  that the network learns.

How to fix it
Average over the batch: `reduction="mean"` in PyTorch, `reduction="sum_over_batch_size"` in Keras, `.mean()` for a loss
written by hand.

When it is wrong
Sums are meant in variational autoencoders and in many textbooks, with a rate to match. A network that learns is not accused.

References
PyTorch, MSELoss, reduction. https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
P. Goyal et al.: Accurate, Large Minibatch SGD, 2017, section 2.1. https://arxiv.org/abs/1706.02677
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.places import loss_line
from deeplocalize.signals.quality import start_loss
from deeplocalize.signals.summing import UPDATE, does_harm, measures, told, too_long_by
from deeplocalize.signals.task import Task, tasks
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace


@rule(
    code="L218",
    severity=Severity.MEDIUM,
    needs=("steps", "loss", "objective", "optimizer", Series("weight", "rms"), UPDATE),
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
    """Yield one finding if summing over the batch made the steps too long."""
    asked, size = list(tasks(trace)), _batch_size(trace)
    if size < 2 or not all(_is_sum(task, size, trace) for task in asked):
        return
    steps = too_long_by(trace, size, limit, window, usual)
    if steps is None or not does_harm(trace):
        return
    before, after = ("sum", "mean") if trace.run.framework == "torch" else ("sum", "sum_over_batch_size")
    yield Finding(
        message=f"{asked[0].loss.name} adds up the losses of {size:g} examples instead of averaging them, so that each step "
        f"is {size:g} times as long: {told(trace, steps)}",
        locus=Locus("loss", source=loss_line(trace, asked[0].loss)),
        evidence=tuple(Evidence(*each) for each in measures(steps, size, limit, usual, "examples")),
        remedies=(
            Remedy(
                "Average over the batch",
                f'reduction="{before}"',
                f'reduction="{after}"',
                Intervention("set-reduction", "loss", "mean"),
            ),
        ),
        strength=strength_of(steps.farthest, limit),
        first_step=steps.since,
    )


def _batch_size(trace: Trace) -> float:
    sizes = recorded(trace.scalar("batch_size"))
    return float(np.median(sizes)) if len(sizes) else float(trace.run.batch_size or 0)


def _is_sum(task: Task, size: float, trace: Trace) -> bool:
    """True if a known loss is summed and not divided again, neither as far as it is known nor by what it came to."""
    if task.loss.reduction != "sum" or task.family is None or abs(task.loss.factor) * size < math.sqrt(size):
        return False
    guess = {"classes": math.log(task.units or 2), "binary": math.log(2)}.get(task.family, 0.0)
    return task.index > 0 or start_loss(trace) > guess * math.sqrt(size)
