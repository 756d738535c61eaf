"""The loss grows instead of falling.

What it means
The loss is far above where it began, and stays there. Every step makes the network worse.

Why it hurts
The network is worse than an untrained one. If nothing changes, the numbers overflow and become NaN.

How it is recognized
The loss over the last half and over the last fifth of the run is compared with the larger of two numbers: its own start,
and the loss of the best constant prediction. The rule fires if three quarters of both stretches are above `factor` = 2
times that: an untrained network is seldom twice as bad as a constant one, and a few spikes make no three quarters.
Where no constant prediction is known, or another training takes turns with this one, its own start times `bare_factor` =
100 is the limit, because the losses of two players, of a policy or of a value function may grow in a healthy run. Data
that grow (see below) make the constant prediction worse and worse; then `drift` = 10 times its own start is enough. A loss
that falls again over the last half is no divergence.

Three places are told apart: an optimizer that was asked to maximize; data that grow, if the output of the first layer
grew `drift` = 10 times more than its weights did, as no change of the data from one batch to the next does; otherwise the
learning rate.

How to fix it
Mostly the learning rate is too high: divide it by ten. If the loss grows steadily with short steps, look for a sign that
is wrong, and for data that are changed in place, a little more in every epoch.

When it is wrong
Losses that start at or below zero (likelihoods of densities) are never judged. A loss whose definition changes during
the run (a penalty that is faded in, a curriculum) may grow by design; that is not guarded.

References
I. Goodfellow, Y. Bengio, A. Courville: Deep Learning, sections 8.2 and 11.4. https://www.deeplearningbook.org/
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import finite, weight_layers
from deeplocalize.signals.over_time import level, mostly_above, recent, recorded, trend
from deeplocalize.signals.quality import in_turns, loss_curve, start_loss
from deeplocalize.signals.settings import call_line, learning_rate, learning_rate_line
from deeplocalize.trace.schema import Trace


@rule(code="L211", severity=Severity.HIGH, needs=("steps", "loss"), explains=("loss-no-better-than-constant",))
def check(trace: Trace, *, factor: float = 2.0, bare_factor: float = 100.0, drift: float = 10.0) -> Iterator[Finding]:
    """Yield one finding if the loss stays far above its start."""
    curve, start, baseline = recorded(loss_curve(trace)), start_loss(trace), trace.data.baseline_loss
    half, now = curve[len(curve) // 2 :], level(recent(curve)).value
    drifts = _drift(trace) > drift
    judged = baseline is not None and baseline > 0 and not in_turns(trace)
    limit = factor * max(start, baseline or 0.0) if judged else bare_factor * start
    limit = min(limit, drift * start) if drifts else limit
    apart = mostly_above(half, limit) and mostly_above(recent(curve), limit) and now > limit
    if not (start > 0 and apart) or trend(half) < -3:
        return
    locus, remedy = _fix(trace, drifts)
    yield Finding(
        message=f"The loss began at {start:.4g} and stands at {now:.4g}: training makes the network worse.",
        locus=locus,
        evidence=(Evidence("loss over the last fifth of the run", now, ">", limit),),
        remedies=(remedy,),
        strength=strength_of(now, limit),
    )


def _fix(trace: Trace, drifts: bool) -> tuple[Locus, Remedy]:
    for optimizer in trace.run.optimizers:
        if optimizer.settings.get("maximize") is True:
            place = Locus("optimizer", source=optimizer.sources.get("maximize") or optimizer.source)
            change = Intervention("set-maximize", "optimizer", False)
            return place, Remedy("Minimize the loss", "maximize=True", "maximize=False", change)
    if drifts:
        text = "Do not change the data in place: work on a copy of each batch"
        return Locus("data", source=call_line(trace, "fit", "forward", "step")), Remedy(text)
    place, rate = Locus("learning-rate", source=learning_rate_line(trace)), learning_rate(trace)
    if not rate:
        return place, Remedy("Divide the learning rate by ten")
    lower = float(f"{rate / 10:.2g}")
    change = Intervention("set-learning-rate", "optimizer", lower)
    return place, Remedy("Divide the learning rate by ten", f"{rate:g}", f"{lower:g}", change)


def _drift(trace: Trace) -> float:
    """How much more the first layer's output grew than its weights; NaN if that is not known."""
    first = weight_layers(trace)[:1]
    output, weight = (finite(trace, role, "rms")[:, first].ravel() for role in ("activation", "weight"))
    known = (output > 0) & (weight > 0)
    gain = output[known] / weight[known]
    return float(gain[-1] / gain[0]) if len(gain) else math.nan
