"""Dropout is so strong that almost nothing of the signal gets through.

What it means
Dropout with a rate p sets that share of a layer's values to zero and scales up the rest. With 0.9 one value in ten is left,
in each step another one. Often 0.9 was meant as the share to keep, as it is in older code and in papers.

Why it hurts
What one layer hands to the next is then more noise than signal, and the gradient is as well. Several dropouts behind each
other multiply. The network learns slowly, or not at all.

How it is recognized
Dropping with the rate p adds noise of p / (1 - p) times the power (mean square) of the signal. 0.5 adds as much noise as
there is signal; above 0.75 there is more than `noise` = 3 times as much, that is less than half of the signal's amplitude
against the noise's. Dropouts of 0.5 and more behind each other count together: their noise is 1 / (product of the shares kept) - 1,
and `together` = 15 times the signal is reached with more than four of 0.5. Gaussian dropout adds as much.
That alone is no fault, for wide layers stand much. So harm must be seen: where validation data are, their error (dropout
is off there) must have levelled off, and otherwise the network must be no better than a constant answer although it had
time. And the inputs must say more: the five nearest neighbors among the rows trained on, each row left out of its own answer,
remove at least `least` = 0.2 more of the constant answer's error.

How to fix it
Use a rate between 0.1 and 0.5, or leave dropout out until the network learns its training data. If 0.9 was the share to keep,
the rate is 0.1.

When it is wrong
Words or items dropped at 0.8 and more from wide inputs, and networks that do well on validation data, are left alone. A
training loss that stays high is no sign by itself, as it is measured with the dropout on.

References
N. Srivastava et al.: Dropout, a simple way to prevent neural networks from overfitting, 2014.
https://jmlr.org/papers/v15/srivastava14a.html
PyTorch, Dropout: p is the probability of an element to be zeroed. https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import in_order, lasting
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.potential import falls_short
from deeplocalize.signals.quality import learns_well
from deeplocalize.trace.schema import Trace

COUNTED = 0.5
"""Weaker dropouts do not count together with others: residual networks have dozens of 0.1, side by side."""


@rule(
    code="M502",
    severity=Severity.MEDIUM,
    needs=("steps", "loss", "layers", "sample"),
    explains=("dead-units", "learning-rate-too-low", "loss-no-better-than-constant", "too-few-steps"),
)
def check(trace: Trace, *, noise: float = 3.0, together: float = 15.0, least: float = 0.2) -> Iterator[Finding]:
    """Yield one finding, for the strongest dropout."""
    added = _noises(trace)
    if not added:
        return
    layer = max(added, key=lambda at: added[at])
    counted = [each for each in added.values() if each >= COUNTED / (1 - COUNTED)]
    total = math.prod(1 + each for each in counted) - 1
    if (
        not (added[layer] > noise or total > together)
        or (short := falls_short(trace, least, learns_well(trace))) is None
    ):
        return
    rate = float(trace.layers[layer].settings["rate"] or 0.0)
    lower = min(round(1 - rate, 4), 0.5) if added[layer] > noise else 0.1
    alone = added[layer] > noise
    amount, limit = (added[layer], noise) if alone else (total, together)
    where = called(trace, layer) if alone else f"{len(counted)} dropouts, one behind the other,"
    yield Finding(
        message=f"With a rate of {rate:g} {where} {'adds' if alone else 'add'} {min(amount, 1e6):.3g} times as much noise as "
        f"there is signal, and {short.what} is {short.observed:.2g}.",
        locus=Locus("dropout", *argument(trace, layer, "rate", "p")),
        evidence=(
            Evidence("power of the added noise over that of the signal", amount, ">", limit),
            Evidence(short.what, short.observed, ">", short.allowed),
        ),
        remedies=(
            Remedy(
                "Lower the rate, which is the share that is dropped",
                f"{rate:g}",
                f"{lower:g}",
                Intervention("set-dropout", f"layer {layer}", lower),
            ),
        ),
        strength=strength_of(amount, limit) if amount < math.inf else 1.0,
    )


def _noises(trace: Trace) -> dict[int, float]:
    """By layer: the power of the noise it adds, over that of the signal. Only of layers that were switched on."""
    on, found = lasting(trace, trace.series("layer", "training")), {}
    for at in map(int, in_order(trace)):
        layer, rate = trace.layers[at], trace.layers[at].settings.get("rate")
        if layer.kind in ("dropout", "noise") and isinstance(rate, int | float) and on[at] != 0:
            found[at] = rate / (1 - rate) if rate < 1 else math.inf
    return found
