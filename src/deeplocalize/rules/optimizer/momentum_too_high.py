"""The momentum is so near 1 that each gradient is followed for far too many steps.

What it means
With momentum m a step is a sum of all gradients so far, each worth m times the one after it: of ten with 0.9, of a hundred
with 0.99, of a thousand with 0.999. So the weights go on in directions that have long been left behind, like a ball that
rolls through the valley and up on the other side.

Why it hurts
The loss falls at first, then it is thrown up again and swings, and settles late or never. Units that were thrown into their
flat half stay dead.

How it is recognized
All of this holds, for SGD and for RMSprop with momentum:
- The momentum is so near 1 that a gradient is worth more than `memory` = 30 steps, 1 / (1 - m). Recipes have 0.9 to 0.95, which
  is 10 to 20.
- The network had learned: in the best fiftieth of the run more than `gained` = 0.3 of the constant answer's loss was gone. And
  it lost that again: now it is no better than a constant answer, or the loss is not finite.
- The steps are those of a rolling ball: over some `window` = 20 steps the weights travelled more than `longer` = 10 times as far as
  their own gradients, times the rate, would have made them. With 0.9 and a steady gradient that is the most.
- The learning rate is not what is too high: without momentum ten of the first steps move the weights by less than `usual` =
  0.3 of their size. Networks that learn with 0.9 were at 0.2 at most, those that did not at 0.5 and more.

How to fix it
Set the momentum to 0.9. Or keep it, and divide the learning rate by as much as the steps are too long.

When it is wrong
A network that learns well is never accused: with large batches and a small rate, some use 0.99. One that never learned has
another fault. The first moment of Adam is a mean, which makes no step longer; it is not judged.

References
G. Goh: Why Momentum Really Works, 2017. https://distill.pub/2017/momentum/
PyTorch, SGD. https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.movement import distance, typical_updates
from deeplocalize.signals.over_depth import finite, meant_to_change, middle
from deeplocalize.signals.over_time import block_means
from deeplocalize.signals.quality import learns_well, loss_curve, recent_loss
from deeplocalize.signals.settings import call_line, learning_rate
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import FloatArray, Optimizer, Source, Trace

UPDATE = Series("weight_update", "rms")

FIRST = 10
"""So many of the first recorded steps show what a step without momentum is: later ones are its consequence."""


@rule(
    code="O311",
    severity=Severity.HIGH,
    needs=("steps", "loss", "baseline", "optimizer", UPDATE, Series("weight", "rms"), Series("weight_gradient", "rms")),
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
def check(
    trace: Trace,
    *,
    memory: float = 30.0,
    gained: float = 0.3,
    longer: float = 10.0,
    usual: float = 0.3,
    window: int = 20,
) -> Iterator[Finding]:
    """Yield one finding if momentum carried the weights away from what they had learned."""
    optimizer = trace.run.optimizers[0]
    momentum = optimizer.settings.get("momentum")
    if optimizer.kind not in ("sgd", "rmsprop") or not isinstance(momentum, float) or not 0 < momentum < 1:
        return
    sum_of, gain = 1 / (1 - momentum), _best_gain(trace)
    if not sum_of > memory or not gain > gained or learns_well(trace) is not False:
        return
    own = _own_steps(trace, optimizer)
    first, times = FIRST * middle(own[:FIRST]), _longest(trace, own, window)
    if not first < usual or not times > longer:
        return
    now = recent_loss(trace).value
    yield Finding(
        message=f"The momentum of {momentum:g} is too high: it adds up the gradients of {sum_of:,.0f} steps, so the weights "
        f"roll on and lose what they had learned; the loss is {f'{now:.4g}' if now < np.inf else 'not finite'}.",
        locus=Locus("optimizer", source=_line(trace, optimizer)),
        evidence=(
            Evidence("steps whose gradients momentum adds up", sum_of, ">", memory),
            Evidence("share of the constant answer's loss that was gone at best", gain, ">", gained),
            Evidence(
                f"path of the weights over {window} steps, over that of their gradients", times, ">", longer, UPDATE
            ),
            Evidence("relative path of the weights in ten steps at the start, without momentum", first, "<", usual),
        ),
        remedies=_remedies(trace, momentum),
        strength=strength_of(sum_of, memory),
    )


def _best_gain(trace: Trace) -> float:
    """Share of the constant answer's loss that was gone in the best fiftieth of the run."""
    means = block_means(loss_curve(trace), 50)
    baseline = trace.data.baseline_loss or 0.0
    return 1 - float(means.min()) / baseline if len(means) and baseline > 0 else math.nan


def _own_steps(trace: Trace, optimizer: Optimizer) -> FloatArray:
    """Relative length of each recorded step, had it been made of its own gradient alone, [samples]."""
    layers, rate = meant_to_change(trace), learning_rate(trace) or 0.0
    weights, slopes = (finite(trace, role, "rms")[:, layers] for role in ("weight", "weight_gradient"))
    asked = rate * (slopes if optimizer.kind == "sgd" else np.where(slopes > 0, 1.0, slopes))
    return np.array([middle(row) for row in np.where(weights > 0, asked / np.where(weights > 0, weights, 1), np.nan)])


def _longest(trace: Trace, own: FloatArray, window: int) -> float:
    """How many times as long as its gradients ask for the path over so many steps is, at most; no more than 1,000."""
    starts = trace.sampled
    went, asked = (
        distance(trace, each, starts + window) - distance(trace, each, starts) for each in (typical_updates(trace), own)
    )
    rolled = went > 0
    times = went[rolled] / np.maximum(asked[rolled], 1e-3 * went[rolled])
    return float(times.max(initial=0.0))


def _line(trace: Trace, optimizer: Optimizer) -> Source | None:
    return optimizer.sources.get("momentum") or optimizer.source or call_line(trace, "compile", "step")


def _remedies(trace: Trace, momentum: float) -> tuple[Remedy, ...]:
    change, rate = Intervention("set-momentum", "optimizer", 0.9), learning_rate(trace) or 0.0
    slower = float(f"{rate * (1 - momentum) / 0.1:.0e}")
    with_rate = Intervention("set-learning-rate", "optimizer", slower)
    return (
        Remedy("Lower the momentum", f"momentum={momentum:g}", "momentum=0.9", change),
        Remedy("Or keep it, and lower the learning rate", f"{rate:g}", f"{slower:g}", with_rate),
    )
