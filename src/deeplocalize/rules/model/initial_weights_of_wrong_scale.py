"""The weights begin far too small or far too large for the layers they are in.

What it means
A unit adds up its inputs, each times a weight. The sum depends on the size of the weights and on how many inputs there are; a
standard deviation that suits one layer, such as 0.01 or 1, is wrong for most others.

Why it hurts
Each layer multiplies the signal. By far less than 1, and after some layers nothing of the input is left, nor of the gradient on
its way back: the network answers the same to everything. By far more, and the answers begin enormous, or tanh is flat.

How it is recognized
All of this holds before the first step, in a plain chain of dense or convolutional layers (normalization and shortcuts make
their scale unimportant):
- The gain of the hidden layers, the RMS of the weights times the square root of the number of a unit's inputs, has a median
  below `small` = 0.3 or above `large` = 4. He's initialization has 1.41, Glorot's about 1, the default of PyTorch 0.58.
- The signal shows it. Too small: the last hidden layer hands on less than `faint` = 0.003 of the inputs' RMS (PyTorch's default
  keeps 0.0045 through six layers with ReLU and no bias). Too large: it hands on more than `loud` = 100 times as much, or the mean
  slope of sigmoids and tanhs is below `steep` = 0.2 of the largest.
And it does harm: the network does not learn although it had time to; or the five nearest neighbors, each row left out of its own
answer, have at most half of the network's error on the very rows trained on, less by `least` = 0.2 of a constant answer's error.

How to fix it
Leave the initializer away, or use one that is scaled to the layer's inputs: He (kaiming) for ReLU, Glorot (xavier) for tanh.

When it is wrong
One hidden layer with small weights, or a few with large ones, learn well all the same, and are not accused. A gradient that
explodes through depth, and units that are saturated from the start, have rules of their own.

References
K. He et al.: Delving Deep into Rectifiers, 2015. https://arxiv.org/abs/1502.01852
X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010.
https://proceedings.mlr.press/v9/glorot10a.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.initial_scale import carried, fitting_deviation, gains, hidden_chain, slope_at_start
from deeplocalize.signals.over_depth import EXPLOSIVE, gradient_rise_at_start
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.potential import compare
from deeplocalize.signals.quality import expected_loss, learns_well, recent_loss
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

WEIGHT = Series("weight", "rms")


@rule(
    code="M509",
    severity=Severity.HIGH,
    needs=("steps", "loss", "layers", WEIGHT, Series("activation", "rms")),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-decays-too-soon",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "momentum-too-high",
        "network-too-small",
        "non-finite-values",
        "representation-collapse",
        "too-few-steps",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(
    trace: Trace,
    *,
    small: float = 0.3,
    large: float = 4.0,
    faint: float = 0.003,
    loud: float = 100.0,
    steep: float = 0.2,
    least: float = 0.2,
) -> Iterator[Finding]:
    """Yield one finding, for the first hidden layer whose weights are too small or too large."""
    chain = hidden_chain(trace)
    if not chain or not len(trace.sampled):
        return
    known = gains(trace, chain)
    gain, signal, slope = float(np.median(known)), carried(trace, chain), slope_at_start(trace, chain)
    is_small = gain < small and signal < faint
    if not is_small and not (gain > large and (signal > loud or slope < steep)):
        return
    harm, well = _harm(trace, least), learns_well(trace)
    if harm is None or (well is False and gradient_rise_at_start(trace) > EXPLOSIVE):
        return
    layer = chain[int(np.argmax(known < small if is_small else known > large))]
    shown = is_small or signal > loud
    effect = f"the last hidden layer hands on {signal:.2g} times the size of the inputs"
    effect = effect if shown else f"its nonlinearity works at {slope:.0%} of its slope"
    size = float(trace.series(*WEIGHT)[0, layer])
    yield Finding(
        message=f"The initial weights are too {'small' if is_small else 'large'}, as in {called(trace, layer)}: before the first "
        f"step a hidden layer multiplies what it is given by about {gain:.2g}, so that {effect}.",
        locus=Locus("initializer", *argument(trace, layer, "kernel_initializer", "initializer")),
        evidence=(
            _bound("median gain of the hidden layers", gain, small if is_small else large, is_small),
            _bound("RMS before the output over that of the inputs", signal, faint if is_small else loud, is_small)
            if shown
            else Evidence("mean slope of the nonlinearity over its largest", slope, "<", steep),
            harm,
        ),
        remedies=(
            Remedy(
                "Use an initializer scaled to the layer's inputs: He (kaiming) for ReLU, Glorot (xavier) for tanh",
                f"a standard deviation of {size:.2g}",
                f"{fitting_deviation(trace, layer):.2g}",
            ),
        ),
        strength=0.75 if well else 1.0,
        first_step=int(trace.sampled[0]),
    )


def _bound(what: str, value: float, limit: float, is_small: bool) -> Evidence:
    return Evidence(what, value, "<" if is_small else ">", limit, WEIGHT, (0,))


def _harm(trace: Trace, least: float) -> Evidence | None:
    """What the network fails to learn; None if no harm can be seen."""
    now, expected = recent_loss(trace).value, expected_loss(trace)
    if learns_well(trace) is False:
        what = "loss over the last fifth of the run"
        return Evidence(what, now, ">=", expected if expected is not None else now)
    found = None if any(layer.kind == "dropout" for layer in trace.layers) else compare(trace)
    if (
        found is None
        or not found.beats("neighbors", "network", least)
        or found.of("neighbors") > found.of("network") / 2
    ):
        return None
    gain = (found.of("network") - found.of("neighbors")) / found.constant
    return Evidence(
        "share of a constant answer's error that nearest neighbors remove and the network leaves", gain, ">", least
    )
