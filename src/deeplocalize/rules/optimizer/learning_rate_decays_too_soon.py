"""The learning rate falls to next to nothing long before the training ends.

What it means
A schedule lowers the rate so fast that most of the run's steps change nothing. Mostly it counts in other units than was
thought: a decay meant for each epoch is taken after each batch, or its length is given in epochs and not in steps.

Why it hurts
The network is left where the first steps brought it: the loss falls for a moment, and looks as if it could fall no more.

How it is recognized
All of this holds:
- In more than `idle` = 0.5 of the run's steps, up to its end, the rate was below `tiny` = 0.02 of its largest value. Cosine,
  linear and 1cycle schedules are so low in the last tenth alone, steps by a tenth at a half and three quarters in the last
  quarter, and one that comes back up never.
- All steps together are worth fewer than `enough` = 100 at the largest rate, which is too few to show what a network can
  learn, and fewer than `passes` = 3 times the data, as far as that is known.
- After at least 100 steps and 3,200 examples less than `learned` = 0.5 of the constant answer's loss is gone, or the nearest
  neighbors among the rows trained on remove `left` = 0.3 more of it; and the steps at a tiny rate removed less than
  `later` = 0.5 of what was gained.
- Either the loss was not thrown up, and nothing was learned or all steps are worth fewer than `few` = 30, in which no network
  settles. Or the loss was still falling when the rate had gone down to a tenth: of what it fell from the first to the last
  third of the training until then (in steps times rates), more than `falling` = 0.25 came after the second third. A loss
  that has settled falls no more there, a straight line by a half.

How to fix it
Step the schedule once per epoch, after the loop over the batches; or give its length in steps: epochs times batches.

When it is wrong
A schedule that lowers the rate when the loss has settled is right, also where noise lets it settle early; so is a polish at
a tiny rate after a training of some hundred steps. A rate that is lowered because the loss does not fall needs some passes
over the data for that. Where the loss on other data is no better than a constant's, an early end does no harm.

References
PyTorch, how to adjust learning rate. https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
Keras, learning rate schedules. https://keras.io/api/optimizers/learning_rate_schedules/
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.potential import falls_short
from deeplocalize.signals.quality import (
    baseline_gap,
    has_had_time,
    in_turns,
    learns_well,
    only_memorizes,
    recent_loss,
    start_loss,
    steps_seen,
)
from deeplocalize.signals.schedules import Schedule, fall_from, late_fall, schedule, steps_a_pass
from deeplocalize.signals.settings import call_line, learning_rate, learning_rate_line
from deeplocalize.trace.schema import Source, Trace

SCHEDULE_ENDS = 1e-9
"""A rate that goes from above this share of its largest value to exactly 0 is that of a schedule with a set length."""


@rule(
    code="O310",
    severity=Severity.HIGH,
    needs=("steps", "loss", "baseline", "learning_rate"),
    explains=(
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "too-few-steps",
        "updates-rounded-away",
        "weights-never-change",
    ),
)
def check(
    trace: Trace,
    *,
    tiny: float = 0.02,
    idle: float = 0.5,
    enough: float = 100.0,
    passes: float = 3.0,
    learned: float = 0.5,
    falling: float = 0.25,
    later: float = 0.5,
    few: float = 30.0,
    left: float = 0.3,
) -> Iterator[Finding]:
    """Yield one finding if a schedule ended a training that had only begun."""
    course, harm = schedule(trace), _harm(trace, learned, left)
    if course is None or harm is None or not has_had_time(trace) or in_turns(trace):
        return
    off, steps = course.falls_below(tiny), steps_seen(trace)
    first = int(course.steps[off]) if off < len(course.steps) else steps
    share = 1 - first / steps
    if not share > idle or fall_from(trace, course, off) > later:
        return
    worth, cut_short = float(course.done[-1]), _was_cut_short(trace, course, off, falling, few)
    if not worth < enough or not worth < passes * steps_a_pass(trace) or not cut_short:
        return
    rate, source, remedy = learning_rate(trace) or 0.0, *_place(trace, course)
    yield Finding(
        message=f"The learning rate fell from {rate:g} to less than {tiny * rate:g} by step {first} of {steps}: all the steps "
        f"together are worth {worth:.0f} at the full rate, and the loss stays at {recent_loss(trace).value:.4g}.",
        locus=Locus("learning-rate", source=source),
        evidence=(
            Evidence(
                f"share of the steps, up to the last, at less than {tiny:g} of the largest rate", share, ">", idle
            ),
            harm,
            Evidence("steps at the largest rate that the whole run is worth", worth, "<", enough),
        ),
        remedies=(remedy,),
        strength=0.5 if learns_well(trace) else strength_of(1 - share, 1 - idle),
        first_step=first,
    )


def _harm(trace: Trace, learned: float, left: float) -> Evidence | None:
    gap = baseline_gap(trace)
    if gap is None or gap < learned:
        return gap if gap is None else Evidence("share of the constant answer's loss that is gone", gap, "<", learned)
    short = falls_short(trace, left, None, left)
    return Evidence(short.what, short.observed, ">", short.allowed) if short is not None else None


def _was_cut_short(trace: Trace, course: Schedule, off: int, falling: float, few: float) -> bool:
    """True if the loss was still falling, or had not even begun to."""
    if late_fall(course, off) > falling and not only_memorizes(trace):
        return True
    begun = learns_well(trace) and course.done[-1] >= few
    return not begun and recent_loss(trace).value < 1.25 * start_loss(trace)


def _place(trace: Trace, course: Schedule) -> tuple[Source | None, Remedy]:
    """The line to change, and how."""
    stepped, steps = recorded(trace.scalar("scheduler_steps")), steps_seen(trace)
    each_step = len(stepped) > 0 and float(np.mean(stepped > 0)) > 0.9
    ends = course.shares[-1] == 0 and course.shares[course.shares > 0].min() > SCHEDULE_ENDS
    built = call_line(trace, "scheduler_built")
    if each_step and not ends:
        remedy = Remedy(
            "Call the scheduler's step() once per epoch, after the loop over the batches, not after each batch"
        )
        return call_line(trace, "scheduler") or built, remedy
    remedy = Remedy(f"Let the schedule last for the whole run: {steps:,} steps, if it counts steps")
    return built or call_line(trace, "scheduler") or learning_rate_line(trace), remedy
