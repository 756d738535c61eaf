"""Gradients are cleared before a step uses them.

What it means
`zero_grad` and `backward` are called for each batch, but `step` only for some: after the loop over the batches, or in every
fourth of them. Each call of `zero_grad` throws away the gradient of the batch before, so that a step is taken for the last
batch alone.

Why it hurts
All other batches cost their time and teach nothing. An epoch is worth one step, or the batches that were to be gathered for
one step of low noise are replaced by a single one, at a learning rate that was chosen for all of them.

How it is recognized
Since the step before, backward passes were followed by clearing the gradients with no step of any optimizer in between, at
least as many as the passes whose gradient the step uses. The rule fires if that holds for more than `share` = 0.9 of the
steps, and in at least `least` = 3 of them. If the loss is divided by the number of these passes, they were to be gathered, and
the call that clears is the one to move.

How to fix it
Call `optimizer.step()` after each `backward`. To gather the gradients of several batches, call `zero_grad` only where `step`
is called, and divide the loss by their number.

When it is wrong
Gradients that are computed for another purpose do not count: those from another line of the program, of the same batch (as
in sharpness-aware minimization), of inputs that have a gradient of their own (adversarial examples), or where what the step
is given is not the gradient of the last passes (gathered by hand, as private training does). What is left over at the end of
an epoch is less than what a step uses. Where the network learns well all the same, the finding is weaker.

References
PyTorch, optimizing model parameters. https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace

_REMEDIES = (
    Remedy("Call optimizer.step() after each backward()"),
    Remedy("To gather the gradients of several batches, call zero_grad() only where step() is called"),
)


@rule(
    code="T408",
    severity=Severity.HIGH,
    needs=("steps", "unused_backwards"),
    explains=(
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "network-too-small",
        "too-few-steps",
    ),
)
def check(trace: Trace, *, share: float = 0.9, least: int = 3) -> Iterator[Finding]:
    """Yield one finding if in nearly all steps most of what was computed is thrown away."""
    unused = recorded(trace.scalar("unused_backwards"))
    in_vain = unused > 0
    if in_vain.sum() < least or in_vain.mean() <= share:
        return
    lost = round(float(np.median(unused[in_vain])))
    to_gather = any(math.isclose(each.loss.factor * (lost + 1), 1, rel_tol=0.1) for each in trace.run.objectives)
    wanted = ("zero_grad", "step") if to_gather else ("step", "zero_grad")
    yield Finding(
        message=f"Of {lost + 1} batches between two steps, the gradients of {lost} are cleared before a step uses them: "
        "only the last one is learned from.",
        locus=Locus("training-loop", source=call_line(trace, *wanted)),
        evidence=(
            Evidence("share of steps before which gradients were thrown away", float(in_vain.mean()), ">", share),
        ),
        remedies=_REMEDIES[::-1] if to_gather else _REMEDIES,
        strength=0.5 if learns_well(trace) else 1.0,
        first_step=int(trace.steps[1]),
    )
