"""What adding up instead of averaging does: steps that are too long by a known factor, and the harm of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from deeplocalize.signals.movement import distance_ahead, typical_updates
from deeplocalize.signals.quality import has_had_time, in_turns, learns_well, recent_loss, start_loss
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

UPDATE = Series("weight_update", "rms")


@dataclass(frozen=True)
class LongSteps:
    """Steps that are too long: the first one and the path of `window` of them, in units of the weights' size, and the step
    from which on the path is too long."""

    first: float
    farthest: float
    window: int
    since: int


def too_long_by(trace: Trace, times: float, limit: float, window: int, usual: float) -> LongSteps | None:
    """Steps whose path over `window` of them is longer than `limit`, though the first one would be as short as `usual` if it
    were so many times shorter; None if that is not so, or if the optimizer divides by the size of the gradient."""
    lengths = typical_updates(trace)
    ahead = distance_ahead(trace, lengths, window)
    steps = lengths[np.isfinite(lengths) & (lengths > 0)]
    if not _feels_a_factor(trace) or not (ahead > limit).any() or not len(steps) or steps[0] / times > usual:
        return None
    since = int(trace.sampled[int(np.argmax(ahead > limit))])
    return LongSteps(float(steps[0]), float(np.nanmax(ahead)), window, since)


def measures(
    steps: LongSteps, times: float, limit: float, usual: float, what: str
) -> tuple[tuple[str, float, Literal[">", "<="], float, Series], ...]:
    """The lengths of such steps as evidence: what, observed, relation, limit and series of each; `what` is there `times`."""
    first = f"relative length of the first step, over the number of {what}"
    return (
        (f"relative path of the weights over {steps.window} steps", steps.farthest, ">", limit, UPDATE),
        (first, steps.first / times, "<=", usual, UPDATE),
    )


def told(trace: Trace, steps: LongSteps) -> str:
    """What came of it, as the end of a sentence."""
    now = recent_loss(trace).value
    return (
        f"within {steps.window} steps the weights travelled {steps.farthest:.3g} times their own size, and the loss is "
        f"{f'{now:.4g}' if now < math.inf else 'not finite'}."
    )


def does_harm(trace: Trace) -> bool:
    """True if the loss is not finite, or twice what it was at the start, or nothing shows that the network learns."""
    now, start = recent_loss(trace).value, start_loss(trace)
    if in_turns(trace) or learns_well(trace):
        return False
    return math.isinf(now) or now > 2 * start > 0 or has_had_time(trace)


def _feels_a_factor(trace: Trace) -> bool:
    """True if the length of a step is that of the gradient, times the rate."""
    clips = any(trace.run.optimizers[0].settings.get(name) for name in ("clipnorm", "global_clipnorm", "clipvalue"))
    return trace.run.optimizers[0].kind == "sgd" and not clips
