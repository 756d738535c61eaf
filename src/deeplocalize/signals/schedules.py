"""What a schedule of the learning rate left of the training: steps at a rate near its largest, and steps at next to none."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from deeplocalize.signals.over_depth import middle
from deeplocalize.signals.over_time import level, noise, recorded
from deeplocalize.signals.quality import loss_curve, recent_loss, start_loss, steps_seen
from deeplocalize.trace.schema import FloatArray, IntArray, Trace

FADED = 0.1
"""Until the rate has fallen to this share of its largest value, nine tenths of an exponential decay are done."""


class Schedule(NamedTuple):
    """The course of the learning rate, [steps] each, of the steps in which it was recorded.

    Attributes:
        steps: the optimizer steps.
        shares: the rate in each of them, over the largest.
        done: the rates of all steps so far, over the largest rate: as many steps at the full rate would be as far.
        losses: the loss per example; NaN where it is not known.
    """

    steps: IntArray
    shares: FloatArray
    done: FloatArray
    losses: FloatArray

    def falls_below(self, share: float) -> int:
        """The place from which on the rate stays below a share of its largest value; the length if it never does."""
        return int(np.flatnonzero(self.shares >= share)[-1]) + 1


def schedule(trace: Trace) -> Schedule | None:
    """The course of the learning rate; None if it is not known, or was 0 all the time."""
    rates, steps = trace.scalar("learning_rate"), trace.steps
    known = np.isfinite(rates)
    if not known.any() or not rates[known].max() > 0:
        return None
    shares, at = rates[known] / rates[known].max(), steps[known]
    widths = np.diff(at, append=steps_seen(trace))
    return Schedule(at, shares, np.cumsum(shares * widths), loss_curve(trace)[known])


def late_fall(course: Schedule, off: int) -> float:
    """How much of its fall the loss made from the second to the last third of the steps that count, before the rate faded.

    The rest is what it fell from the first to the second third. Steps count by their rate. A loss that has settled makes
    nothing in the end, one that falls in a straight line a half. 0 if the fall is within its standard error, by the noise
    of the batches, which shows from place `off` on, when nothing changes.
    """
    end = course.falls_below(FADED)
    done, losses = course.done[:end] / course.done[end - 1], course.losses[:end]
    thirds = [recorded(losses[(done > low / 3) & (done <= (low + 1) / 3 + 1e-9)]) for low in range(3)]
    if not all(map(len, thirds)):
        return 0.0
    first, before, last = (float(each.mean()) for each in thirds)
    still = recorded(course.losses[off:])
    scatter = max(float(still.std()) if len(still) else 0.0, np.nan_to_num(noise(losses)))
    sure = before - last > scatter * math.sqrt(1 / len(thirds[1]) + 1 / len(thirds[2]))
    return (before - last) / (first - last) if sure and first > last else 0.0


def fall_from(trace: Trace, course: Schedule, off: int) -> float:
    """Share of the whole fall of the loss that came from place `off` on."""
    after = course.losses[off:]
    then, now, start = level(after[: max(3, len(after) // 10)]), recent_loss(trace), start_loss(trace)
    return (then.value - now.value) / (start - now.value) if start > then.value and now.below(then.value) else 0.0


def steps_a_pass(trace: Trace) -> float:
    """How many steps it takes to see all the data, at most: one for each different batch, none more than the data have,
    and those from one step of the schedule to the next, where it is not stepped with the optimizer. Infinite if unknown."""
    seen, stepped = recorded(trace.scalar("input.digest")), recorded(trace.scalar("scheduler_steps"))
    examples, size = trace.run.examples, middle(trace.scalar("batch_size"))
    counts = [float(len(np.unique(seen)))] if len(seen) else []
    counts += [max(1.0, examples / size)] if examples and size > 0 else []
    counts += [len(stepped) / float(stepped.sum())] if len(stepped) and 0 < (stepped > 0).mean() < 0.9 else []
    return min(counts, default=np.inf)
