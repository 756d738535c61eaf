"""The gradient scaler skips one step after the other, so that nothing is trained.

What it means
Where gradients are computed in 16 bits, the loss is multiplied by a large number, so that small gradients do not vanish. If
the gradient overflows, the scaler leaves the step out and halves that number. Here it does so again and again: the gradient
is NaN or infinite whatever the scale, or the scale begins far too high each time and never comes down.

Why it hurts
A step that is skipped changes no weight. The program runs on without an error, and the loss stays where it is.

How it is recognized
Of the latest 50 steps that the scaler was asked for, at least `least` = 30 and at least `mostly` = 0.9 of them were skipped.
Or as many were skipped in all, and the scale has come below `tiny` = 6e-8, the smallest number of half precision: some of the
batches are enough for that, since it takes 2,000 good steps to make up for a bad one. When it is 0, all weights become NaN.
A healthy run skips a few at first, until the scale fits, and one whenever it was raised too far: by default every 2,000
steps. After 30 halvings the usual first scale of 65,536 has come down to the smallest normal number of half precision; if
the gradient still overflows, the scale is not the reason. Then the operation in the backward pass whose gradient is the
first not to be finite is named, where it is one of the user's own. A scale that is still above 1 is itself the reason.

How to fix it
Keep roots, logarithms and divisors away from 0: there the slope is infinite though the value is finite. Build the scaler
once, before the loop, with the first scale it has by default.

When it is wrong
A loss that is a sum over millions of values may need a scale far below 1; it comes there in 30 steps too, and goes on. A
scaler that raises its scale after each step skips every second one, which is not accused either.

References
PyTorch, automatic mixed precision, gradient scaling. https://docs.pytorch.org/docs/stable/notes/amp_examples.html
Micikevicius et al., Mixed Precision Training, ICLR 2018, section 3.2. https://arxiv.org/abs/1710.03740
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.origin import CURES
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Origin, Scaling, Trace

SMALLEST = 2.0**-149
"""The smallest number above 0 in single precision."""


@rule(
    code="O309",
    severity=Severity.HIGH,
    explains=(
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "non-finite-values",
        "too-few-steps",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, least: int = 30, mostly: float = 0.9, tiny: float = 6e-8) -> Iterator[Finding]:
    """Yield one finding if nearly all of the latest steps were skipped, or so many that hardly any scale is left."""
    scaling = trace.run.scaling or _from_scale(trace, least)
    if scaling is None or scaling.skipped < least:
        return
    latest = scaling.latest_skipped / scaling.latest
    ended = scaling.latest_skipped >= least and latest >= mostly
    if not ended and scaling.scale >= tiny:
        return
    skipped = (
        f"{scaling.latest_skipped} of the latest {scaling.latest}" if ended else f"{scaling.skipped} of {scaling.asked}"
    )
    why, locus, remedy = _reason(trace, scaling)
    yield Finding(
        message=f"The gradient is not finite in {skipped} steps, so the gradient scaler skips them: {why}.",
        locus=locus,
        evidence=(
            Evidence("steps that were skipped", scaling.skipped, ">=", least),
            Evidence("share of the latest steps that were skipped", latest, ">=", mostly)
            if ended
            else Evidence("scale of the loss", scaling.scale, "<", tiny),
        ),
        remedies=(remedy,),
        first_step=int(trace.steps[-1]) if trace.run.scaling and len(trace.steps) else 0,
    )


def _from_scale(trace: Trace, least: int) -> Scaling | None:
    """The same where skipped steps count as steps, from how the scale fell: each of them halves it."""
    known = np.isfinite(trace.scalar("loss_scale"))
    steps, scales = trace.steps[known], trace.scalar("loss_scale")[known]
    before = np.flatnonzero(steps <= steps[-1] - least) if len(steps) else np.zeros(0, np.int64)
    if not len(before):
        return None
    counts = [(int(steps[-1] - steps[at]), float(scales[at])) for at in (0, before[-1])]
    asked, latest = (each for each, _ in counts)
    skipped, latest_skipped = (_halvings(scale, float(scales[-1]), count) for count, scale in counts)
    return Scaling(asked, skipped, latest, latest_skipped, float(scales[0]), float(scales[-1]))


def _halvings(before: float, after: float, steps: int) -> int:
    """How often the scale was halved in so many steps; in each of them if there is nothing left of it."""
    if before <= 0:
        return steps
    return min(steps, max(0, round(math.log2(before / max(after, SMALLEST)))))


def _reason(trace: Trace, scaling: Scaling) -> tuple[str, Locus, Remedy]:
    origin = trace.run.origin
    if scaling.scale > 1:
        why = f"its scale is still {scaling.scale:g} and began at {scaling.first:g}"
        remedy = Remedy("Build the scaler once, before the loop, with its default settings, and let the scale settle")
        return why, Locus("optimizer", source=call_line(trace, "scaler", "step", "compile")), remedy
    why = f"its scale has come down to {scaling.scale:.2g}, so the scale is not the reason"
    if origin is not None:
        why += f" but the operation {origin.operation}, whose {'value' if scaling.lost else 'slope'} is NaN or infinite"
    elif scaling.lost:
        why += ", and the loss itself is NaN or infinite"
    source = origin.source if origin is not None else None
    locus = Locus("loss", source=source or call_line(trace, "loss", "backward", "compile", "step"))
    return why, locus, Remedy(_cure(origin, scaling.lost))


def _cure(origin: Origin | None, lost: bool) -> str:
    slope = "Keep the arguments of roots, logarithms and divisions away from 0: there the slope is infinite"
    value = "Compute in bfloat16, or in single precision what exceeds 65,504 or is divided by 0"
    return CURES.get(origin.operation if origin is not None else "", value if lost else slope)
