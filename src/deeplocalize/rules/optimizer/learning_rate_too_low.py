"""The learning rate is too low: the weights hardly move.

What it means
Each step changes the weights by so little that the whole run leaves them where they began.

Why it hurts
The loss falls in a straight, almost level line. Everything works, only nothing gets anywhere: such a run would have
to be repeated a hundred times, which is easily mistaken for a network that cannot learn.

How it is recognized
All of this holds:
- The whole run's path of the weights (the RMS of each update over the RMS of the weights, the median over the layers,
  summed over all steps) is so short that `most_runs` = 50 runs like this would be needed for it to be as long as the
  weights are large. Networks show that they learn by the time it is between a fifth and once that size. A run that was
  broken off is counted with all the steps it was to take, or with 1,000 if that is not known.
- After at least 100 steps and 3,200 examples the loss is no better than a constant answer, and at its present pace would
  not be better within three more such runs. Or it is better since the first step and does not fall at all, though less
  than `learned` = 0.5 of the constant answer's loss is gone: then `idle` = 1,000 such runs must be needed.
- The gradient is not what is small: the learning rate that would give steps of the usual thousandth of the weights is at
  most `highest` = 10, since no recipe needs more. If it would have to be larger, the gradient has vanished instead.

How to fix it
The proposed rate is the present one, scaled so that a typical step has a thousandth of the weights' size. A rate found
by raising it slowly until the loss jumps, and taking a tenth of that, is as good.

When it is wrong
Fine-tuning and training near the optimum use small steps on purpose: there the loss is far below that of a constant
answer, and the rule is silent. It is silent too while a warm-up still raises the rate, and where no baseline is known.

References
Stanford CS231n, ratio of weights to updates. https://cs231n.github.io/neural-networks-3/#ratio
L. Smith, Cyclical Learning Rates for Training Neural Networks. https://arxiv.org/abs/1506.01186
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.movement import distance, typical_updates
from deeplocalize.signals.over_time import recorded, trend
from deeplocalize.signals.quality import (
    baseline_gap,
    learns_well,
    loss_curve,
    planned_steps,
    recent_loss,
    steps_seen,
)
from deeplocalize.signals.settings import learning_rate, learning_rate_line, rescaled
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

UPDATE = Series("weight_update", "rms")


@rule(
    code="O302",
    severity=Severity.MEDIUM,
    needs=("steps", "loss", "baseline", "learning_rate", Series("weight", "rms"), UPDATE),
    explains=("loss-no-better-than-constant", "network-too-small"),
)
def check(
    trace: Trace,
    *,
    most_runs: float = 50.0,
    idle: float = 1000.0,
    highest: float = 10.0,
    learned: float = 0.5,
) -> Iterator[Finding]:
    """Yield one finding if the weights hardly moved in a run that got nowhere."""
    steps, rate, well = steps_seen(trace), learning_rate(trace) or 0.0, learns_well(trace)
    path = float(distance(trace, typical_updates(trace), np.array([steps]))[0])
    runs = steps / planned_steps(trace) / path if path > 0 else 0.0
    limit = idle if well else most_runs
    if not runs > limit or _rises(trace) or not (_stands(trace, learned) if well else well is False):
        return
    better, now = rescaled(rate, path / steps), recent_loss(trace).value
    if better > highest:
        return
    what = "runs of this length until the weights have travelled their own size"
    change = Intervention("set-learning-rate", "optimizer", better)
    yield Finding(
        message=f"The learning rate of {rate:g} is too low: in {steps} steps the weights travelled {path:.2g} of their "
        f"own size, so about {runs:,.0f} such runs would be needed; the loss is still {now:.4g}.",
        locus=Locus("learning-rate", source=learning_rate_line(trace)),
        evidence=(Evidence(what, runs, ">", limit, UPDATE),),
        remedies=(Remedy("Raise the learning rate", f"{rate:g}", f"{better:g}", change),),
        strength=strength_of(runs, most_runs),
    )


def _stands(trace: Trace, learned: float) -> bool:
    """True if the loss does not fall, though there is much left to learn."""
    gap = baseline_gap(trace)
    return gap is not None and gap < learned and trend(loss_curve(trace)) > -3


def _rises(trace: Trace) -> bool:
    """True while a warm-up goes on."""
    rates = recorded(trace.scalar("learning_rate"))
    return bool(rates[-1] > 1.5 * rates[0])
