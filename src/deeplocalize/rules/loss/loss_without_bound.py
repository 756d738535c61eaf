"""The loss falls below zero for ever, faster and faster: nothing holds it.

What it means
What is minimized has no smallest value. Mostly its sign is turned, where a likelihood or a reward of the user's own is meant to
grow; or a variance, a margin or a weight in it may grow or shrink without a limit.

Why it hurts
The number that is printed looks like ever better success. The answers get worse with every step, until something overflows.

How it is recognized
All of this holds for a loss that is not one of the known ones, which have a bound:
- Over the last quarter of the run its level is below 0, and more than `times` = 1,000 times as large as in the first step, or as
  1 if it began nearer to zero. Likelihoods of densities fall below zero, by some units for each dimension, which is in the loss at
  the start as well.
- It goes on: that level is more than `pace` = 1.25 times that of the quarter before. What falls at a steady pace has 1.4 times.
  Or it is more than `beyond` = 1e10 times as large as at the start, where no likelihood ends, and single precision may hold it up.
- No other training takes turns with this one, and most of the parameters are trained: critics and attacks have such losses on
  purpose.

How to fix it
Turn the sign of the loss round. If it is right, keep what it divides by, or takes the logarithm of, away from 0.

When it is wrong
An input that is trained until a unit answers as much as it can, without any limit on the input.

References
C. Bishop: Mixture Density Networks, 1994 (what is minimized is minus the logarithm of the likelihood).
https://publications.aston.ac.uk/id/eprint/373/
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import level, recorded
from deeplocalize.signals.places import loss_line
from deeplocalize.signals.quality import in_turns, loss_curve
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace


@rule(
    code="L219",
    severity=Severity.HIGH,
    needs=("steps", "loss", "objective"),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "loss-diverges",
        "non-finite-values",
        "saturated-units",
        "vanishing-gradient",
    ),
)
def check(trace: Trace, *, times: float = 1000.0, pace: float = 1.25, beyond: float = 1e10) -> Iterator[Finding]:
    """Yield one finding if a loss of the user's own falls without a bound."""
    known = any(each.loss.kind != "other" for each in trace.run.objectives)
    curve = recorded(loss_curve(trace))
    quarter = len(curve) // 4
    if known or quarter < 5 or in_turns(trace) or 2 * trace.run.optimized < trace.run.parameters:
        return
    start, before, now = float(curve[0]), level(curve[-2 * quarter : -quarter]).value, level(curve[-quarter:]).value
    growth = -now / max(1.0, abs(start))
    goes_on = now < pace * before < 0
    if not growth > times or not (goes_on or growth > beyond):
        return
    size = "size of the loss below zero, over that at the start or 1"
    yield Finding(
        message=f"The loss falls without a bound, from {start:.4g} to {now:.4g}: what is minimized should be maximized, or "
        "something in it has no limit.",
        locus=Locus("loss", source=call_line(trace, "loss") or loss_line(trace, trace.run.objectives[0].loss)),
        evidence=(
            Evidence(size, growth, ">", times if goes_on else beyond),
            *(
                (Evidence("the same, over that of the quarter of the run before", now / before, ">", pace),)
                if goes_on
                else ()
            ),
        ),
        remedies=(
            Remedy("Turn the sign of the loss round: a likelihood is maximized by minimizing minus its logarithm"),
            Remedy("Keep what the loss divides by, or takes the logarithm of, away from 0"),
        ),
        strength=strength_of(growth, times),
    )
