"""The momentum is so high that each gradient is followed for hundreds of steps.

What it means
Momentum m adds up the gradients of about 1 / (1 - m) steps: ten with 0.9, a thousand with 0.999. So the steps become that many
times as long as the learning rate says, and they go on in directions that have long been left behind.

Why it hurts
The weights shoot past the valley, and come back only when as many new gradients have turned them around. The loss falls at
first, then swings up and down ever farther, or ends as NaN; units that were thrown into their flat half stay dead.

How it is recognized
All of this holds:
- The momentum is above `usual` = 0.98. Recipes have 0.9 to 0.95, some 0.98.
- The path of the weights over the run is more than `factor` = 20 times as long as their own gradients, times the learning
  rate, would have made it. With 0.9 it is at most ten times as long.
- Harm: the network does not learn although it had time to, has lost what it had gained, or its loss is not finite.

How to fix it
Set the momentum to 0.9. Keep the learning rate: it was found to be usual, or look again with that momentum.

When it is wrong
A network that learns well is never accused, whatever its momentum: with a learning rate that is small enough, 0.99 is used by
some. The first moment of Adam is a mean and not a sum, so that it makes no step longer; it is not judged.

References
G. Goh: Why Momentum Really Works, 2017. https://distill.pub/2017/momentum/
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.movement import distance, typical_updates
from deeplocalize.signals.over_depth import finite, meant_to_change, middle
from deeplocalize.signals.quality import learns_well, recent_loss, steps_seen
from deeplocalize.signals.settings import learning_rate
from deeplocalize.trace.schema import Series, Trace

UPDATE = Series("weight_update", "rms")


@rule(
    code="O309",
    severity=Severity.HIGH,
    needs=("steps", "loss", "optimizer", UPDATE, Series("weight", "rms"), Series("weight_gradient", "rms")),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
        "vanishing-gradient",
    ),
)
def check(trace: Trace, *, usual: float = 0.98, factor: float = 20.0) -> Iterator[Finding]:
    """Yield one finding if momentum carried the weights away."""
    optimizer = trace.run.optimizers[0]
    momentum = optimizer.settings.get("momentum")
    if not isinstance(momentum, float) or not momentum > usual or learns_well(trace) is not False:
        return
    longer = _longer(trace)
    if not longer > factor:
        return
    now = recent_loss(trace).value
    over = f"{1 / (1 - momentum):,.0f} steps" if momentum < 1 else "all steps"
    change = Intervention("set-momentum", "optimizer", 0.9)
    yield Finding(
        message=f"The momentum of {momentum:g} is too high: it adds up the gradients of {over}, so the weights "
        f"travelled {longer:,.0f} times as far as their gradients asked for; the loss is "
        f"{f'{now:.4g}' if now < np.inf else 'not finite'}.",
        locus=Locus("optimizer", source=optimizer.sources.get("momentum") or optimizer.source),
        evidence=(
            Evidence("momentum", momentum, ">", usual),
            Evidence("path of the weights over that of their gradients alone", longer, ">", factor, UPDATE),
        ),
        remedies=(Remedy("Lower the momentum", f"momentum={momentum:g}", "momentum=0.9", change),),
        strength=strength_of(longer, factor),
    )


def _longer(trace: Trace) -> float:
    """How many times as long the path of the weights is as that which their gradients, without momentum, ask for."""
    layers, end, rate = meant_to_change(trace), np.array([steps_seen(trace)]), learning_rate(trace) or 0.0
    weights, slopes = (finite(trace, role, "rms")[:, layers] for role in ("weight", "weight_gradient"))
    asked = np.where(weights > 0, rate * slopes / np.where(weights > 0, weights, 1.0), np.nan)
    own = distance(trace, np.array([middle(row) for row in asked]), end)[0]
    return float(distance(trace, typical_updates(trace), end)[0] / own) if own > 0 else float("nan")
