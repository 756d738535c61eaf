"""The targets are so large that the network spends the run on reaching their scale.

What it means
The network is to answer with quantities such as prices or populations, as they are. Its first answers are about 0, as
initializers make them, and each step moves them by little more than the learning rate times the number of units.

Why it hurts
The whole run is spent on making the weights large. What tells one example from another is hardly learned, and at the end
even the mean answer is far from the mean target. With larger learning rates the huge gradients make the loss explode.

How it is recognized
All of this holds:
- A squared, absolute or Huber loss compares the answers of a last layer without a nonlinearity with targets whose mean is
  `large` = 10 or more from 0: initializers are made for quantities of about 1.
- After `least` = 50 steps or more the mean answer is still `far` = 1 standard deviation of the targets away from their mean.
  The mean is what a network learns first, with its last bias alone.
- It comes closer, in one direction, so that nothing is stuck, but did not get there by the end of the run; while the run
  goes on, it would not get there at its present pace.
- It is not the learning rate: a typical step is at least a thousandth of the weights' size, divided by `usual` = 10.

How to fix it
Standardize the targets with the mean and the standard deviation of the training data, and scale the answers back; or learn
the logarithm of prices and counts. Or start the last bias at the mean target.

When it is wrong
Large targets that are reached are left alone: a last bias can learn a mean of 50 in time. More epochs may do as well, if
you have the time.

References
C. Bishop, Neural Networks for Pattern Recognition, section 8.2. https://www.microsoft.com/en-us/research/people/cmbishop/
scikit-learn, TransformedTargetRegressor.
https://scikit-learn.org/stable/modules/generated/sklearn.compose.TransformedTargetRegressor.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.movement import typical_updates
from deeplocalize.signals.over_time import level, recent, recorded, trend
from deeplocalize.signals.quality import learns_well, planned_steps, steps_seen
from deeplocalize.signals.settings import USUAL_STEP
from deeplocalize.trace.cards import TargetCard
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import FloatArray, Trace

UPDATE = Series("weight_update", "rms")
KINDS = ("mean-squared-error", "mean-absolute-error", "huber")


@rule(
    code="D108",
    severity=Severity.MEDIUM,
    needs=("steps", "objective", "targets", "prediction.mean", Series("weight", "rms"), UPDATE),
    explains=("exploding-gradient", "learning-rate-too-low", "loss-no-better-than-constant", "vanishing-gradient"),
)
def check(
    trace: Trace, *, large: float = 10.0, far: float = 1.0, least: int = 50, usual: float = 10.0
) -> Iterator[Finding]:
    """Yield one finding if the answers do not reach the scale of the targets within the run."""
    card = _quantities(trace, large)
    if card is None or steps_seen(trace) < least:
        return
    mean, std = card.mean or 0.0, card.std or 1.0
    away = np.abs(trace.scalar("prediction.mean") - mean) / std
    now = level(recent(away, 0.1, 3)).value
    if not now > far or not _comes_closer(away) or _gets_there(trace, away, far) or learns_well(trace):
        return
    if not np.nanmedian(typical_updates(trace)) > USUAL_STEP / usual:
        return
    answer = level(recent(trace.scalar("prediction.mean"), 0.1, 3)).value
    yield Finding(
        message=f"After {steps_seen(trace):,} steps the mean answer is {answer:.4g}, while the targets' mean is {mean:.4g} "
        f"(standard deviation {std:.3g}): the run is spent on reaching the scale of the targets.",
        locus=Locus("target-scaling", source=places.targets(trace, trace.run.objectives[0].loss)),
        evidence=(
            Evidence(
                "distance of the mean answer from the mean target, in the targets' standard deviations", now, ">", far
            ),
            Evidence("distance of the mean target from 0", abs(mean), ">=", large),
        ),
        remedies=(
            Remedy(
                "Standardize the targets, and scale the answers back", "targets", f"(targets - {mean:.4g}) / {std:.4g}"
            ),
        ),
        strength=strength_of(now, far),
    )


def _quantities(trace: Trace, large: float) -> TargetCard | None:
    """The targets, if the only loss compares raw answers with large quantities."""
    if len(trace.run.objectives) != 1 or len(trace.data.targets) != 1:
        return None
    objective, card = trace.run.objectives[0], trace.data.targets[0]
    if objective.loss.kind not in KINDS or objective.head.activation not in (None, "linear"):
        return None
    return card if card.std and abs(card.mean or 0.0) >= large else None


def _comes_closer(away: FloatArray) -> bool:
    """True if the distance falls for sure, in the later half of the run too."""
    known = recorded(away)
    return trend(known) <= -3 and trend(known[len(known) // 2 :]) < 0


def _gets_there(trace: Trace, away: FloatArray, far: float) -> bool:
    """True if the answers would be near at the end of the run, at the pace of its later half."""
    known = np.isfinite(away)
    steps, distance = trace.steps[known], away[known]
    half = len(steps) // 2
    pace = (distance[half] - distance[-1]) / max(steps[-1] - steps[half], 1)
    return bool(distance[-1] - pace * (planned_steps(trace) - steps_seen(trace)) <= far)
