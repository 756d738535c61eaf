"""The learning rate is too high.

What it means
Each step moves the weights so far that it lands beyond the valley it was meant to go down into.

Why it hurts
The loss jumps, gets stuck at the level of a constant answer, or overflows to NaN. ReLU units that a huge step has thrown
into their flat half get no gradient any more and stay dead.

How it is recognized
Two things must come together.
- Huge steps: within `window` = 10 steps the weights travelled more than `limit` = 1 time their own size (the RMS of each
  update over the RMS of the weights it changes, the median over the layers). A usual step has a thousandth of that
  size, so that 10 steps travel 0.01; Adam's and RMSprop's first steps in wide layers reach 0.3 in healthy runs.
- Harm: the loss is not finite, or the network does not learn although it had time to (no better than the best constant
  prediction, far above its start, or most of what it had gained is lost again). Or its loss has levelled off where it leaves
  `left` = 0.5 of the constant answer's error more, on validation data, than the nearest neighbors do in training.
Layers that begin at zero are left out, since any step is long against nothing. Where activations or gradients were
already out of bounds before the first step, the initializer is to blame and this rule is silent.

How to fix it
The proposed rate is the present one, scaled so that the first step that was too long would have had the usual length of
a thousandth of the weights. A short warm-up or gradient clipping allows higher rates; in recurrent networks, whose gradient is
multiplied at every position, clipping is the usual way.

When it is wrong
A network that learns well is never accused, however long its steps are: SGD with 0.1, or even 1, is right for many.
Inputs that are not scaled make every gradient and so every step huge; then that is the cause, and this its symptom.

References
Stanford CS231n, ratio of weights to updates. https://cs231n.github.io/neural-networks-3/#ratio
L. Smith, Cyclical Learning Rates for Training Neural Networks. https://arxiv.org/abs/1506.01186
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.movement import distance_ahead, typical_updates
from deeplocalize.signals.over_depth import EXPLOSIVE, gradient_rise_at_start
from deeplocalize.signals.potential import falls_short
from deeplocalize.signals.quality import expected_loss, learns_well, recent_loss, start_loss
from deeplocalize.signals.settings import learning_rate, learning_rate_line, rescaled
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import FloatArray, Trace

UPDATE = Series("weight_update", "rms")


@rule(
    code="O301",
    severity=Severity.HIGH,
    needs=("steps", Series("weight", "rms"), UPDATE),
    explains=(
        "dead-units",
        "exploding-gradient",
        "loss-diverges",
        "loss-no-better-than-constant",
        "network-too-small",
        "non-finite-values",
        "representation-collapse",
        "saturated-units",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, limit: float = 1.0, window: int = 10, left: float = 0.5) -> Iterator[Finding]:
    """Yield one finding if huge steps did harm."""
    lengths = typical_updates(trace)
    ahead = distance_ahead(trace, lengths, window)
    if not (ahead > limit).any() or gradient_rise_at_start(trace) > EXPLOSIVE or (harm := _harm(trace, left)) is None:
        return
    first = int(np.argmax(ahead > limit))
    farthest = float(np.nanmax(ahead))
    step = int(trace.sampled[first])
    path = Evidence(f"relative path of the weights over {window} steps", farthest, ">", limit, UPDATE, (step,))
    rate, now = learning_rate(trace), recent_loss(trace).value
    yield Finding(
        message=f"The learning rate{f' of {rate:g}' if rate else ''} is too high: within {window} steps the weights "
        f"travelled {farthest:.3g} times their own size, and the loss is {f'{now:.4g}' if now < np.inf else 'not finite'}.",
        locus=Locus("learning-rate", source=learning_rate_line(trace)),
        evidence=(path, harm),
        remedies=(_remedy(rate, _first_long(lengths[first:], limit / window)), *_clipping(trace)),
        strength=strength_of(farthest, limit),
        first_step=step,
    )


def _harm(trace: Trace, left: float) -> Evidence | None:
    """What the loss came to, or how far the answers fall short; None if no harm can be seen."""
    now, start = recent_loss(trace).value, start_loss(trace)
    what = "loss over the last fifth of the run"
    if math.isinf(now):
        return Evidence(
            "recorded steps with a loss that is not finite", float(np.nansum(trace.scalar("loss.nonfinite"))), ">", 0
        )
    expected, learns = expected_loss(trace), learns_well(trace)
    if expected is not None and learns is False:
        return Evidence(what, now, ">=", expected)
    if (short := falls_short(trace, left, learns)) is not None:
        return Evidence(short.what, short.observed, ">", short.allowed)
    if expected is not None:
        return None
    return Evidence(what, now, ">", 2 * start) if start > 0 and now > 2 * start else None


def _first_long(lengths: FloatArray, mean: float) -> float:
    """The first step that was as long as the mean of a window that breaks the limit: later ones are its consequence."""
    return float(lengths[int(np.argmax(lengths >= mean))])


def _clipping(trace: Trace) -> tuple[Remedy, ...]:
    """A recurrent layer multiplies the gradient at every position: one long step may be the gradient's doing."""
    recurrent = any(layer.kind == "recurrent" for layer in trace.layers)
    return (Remedy("Or clip the gradient's norm, to 1 for a start, between backward and step"),) if recurrent else ()


def _remedy(rate: float | None, step: float) -> Remedy:
    if not rate:
        return Remedy(f"Divide the learning rate by about {step / 1e-3:.0f}")
    lower = rescaled(rate, step)
    change = Intervention("set-learning-rate", "optimizer", lower)
    return Remedy("Lower the learning rate", f"{rate:g}", f"{lower:g}", change)
