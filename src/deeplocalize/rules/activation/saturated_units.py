"""Most units of a layer are saturated: their nonlinearity is flat for every input.

What it means
Sigmoid and tanh are flat far from 0. A unit whose input is far out for every example always gives the same answer.

Why it hurts
Such a unit tells the next layer nothing, and hardly any gradient passes through it, so it does not come back.

How it is recognized
A layer is flat if in the middle of the recorded steps of the second half of the run (the median)
- more than `share` = 0.5 of its units are within 1 % of an end of their nonlinearity's range for every example of the batch:
  single examples saturate units in every healthy network, but such a unit is a constant (in batches of fewer than `examples` =
  8, where that may be chance, all units must be), or
- the mean slope of its sigmoid or tanh over units and examples is below `slope` = 0.05 of the largest (healthy: a fifth or more).
And the network must suffer: it is no better than a constant answer after 100 steps and 3,200 examples. Or nobody can doubt the
cause: a layer whose input is bounded (it is behind another hidden one, or the inputs' RMS is at most `large` = 3) was flat
before the first step, as its initial weights bring it to more than `scale` = 5 (Glorot's: about 1; at 5 a sigmoid's slope is 3 %
of its largest), and less than `learned` = 0.8 of the constant answer's loss is gone. Saturation in the first recorded step
points to the inputs, if it is in the first layer and their RMS is above `large`, and to the initializer otherwise; later
saturation points to a step that was too long.

How to fix it
Scale the inputs to a deviation of 1; use Glorot initialization; lower the learning rate; normalize, or use ReLU.

When it is wrong
Gates of recurrent layers and binary codes are saturated on purpose. A network that learns well is accused of nothing but
initial weights that are too large by far, and then more weakly.

References
X. Glorot, Y. Bengio: Training deep feedforward neural networks, 2010. https://proceedings.mlr.press/v9/glorot10a.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.origin import spoiled_before
from deeplocalize.signals.over_depth import (
    activation_carrier,
    finite,
    hidden_layers,
    input_scale,
    kernel_before,
    lasting,
    mean_slopes,
    weight_layers,
)
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.quality import baseline_gap, learns_well
from deeplocalize.signals.settings import call_line, learning_rate_line
from deeplocalize.trace.definitions import SATURATION
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

SATURATED = Series("activation", "saturated")


@rule(
    code="A702",
    severity=Severity.HIGH,
    needs=("steps", "loss", SATURATED),
    explains=(
        "initial-weights-of-wrong-scale",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "network-too-small",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(
    trace: Trace,
    *,
    share: float = 0.5,
    slope: float = 0.05,
    examples: int = 8,
    scale: float = 5.0,
    learned: float = 0.8,
    large: float = 3.0,
) -> Iterator[Finding]:
    """Yield one finding, for the first layer that is flat."""
    slopes, constant = mean_slopes(trace), trace.series(*SATURATED)
    steep, flat = lasting(trace, slopes), lasting(trace, constant)
    sizes = recorded(trace.scalar("batch_size"))
    most = share if not len(sizes) or np.median(sizes) >= examples else 1 - 1e-9
    layers = [at for at in hidden_layers(trace, tuple(SATURATION)) if flat[at] > most or steep[at] < slope]
    well, gap = learns_well(trace), baseline_gap(trace)
    if well is not False:
        partly = gap is not None and gap < learned
        layers = [at for at in layers if partly and slopes[0, at] < slope and _is_overdriven(trace, at, scale, large)]
    if not layers:
        return
    layer = layers[0]
    bad = (constant[:, layer] > share) | (slopes[:, layer] < slope)
    first, locus = int(trace.sampled[int(np.argmax(bad))]), _locus(trace, layer, bool(bad[0]), large)
    if spoiled_before(trace, first):
        return
    yield Finding(
        message=f"The units of {called(trace, layer)} are saturated since step {first}: "
        f"{_shown(steep[layer], flat[layer])}, so hardly any gradient gets through.",
        locus=locus,
        evidence=(_evidence(steep[layer], slope, flat[layer], share),),
        remedies=_remedies(activation_carrier(trace, layer), trace.layers[layer].activation, locus.kind),
        strength=0.5 if well is not False else 1.0,
        first_step=first,
    )


def _is_overdriven(trace: Trace, layer: int, scale: float, large: float) -> bool:
    """True if a layer whose input is bounded gets far too much before the first step."""
    kernel = kernel_before(trace, layer)
    given = finite(trace, "preactivation", "rms")[0, layer]
    given = given if given > 0 else finite(trace, "activation", "rms")[0, kernel]
    return bool((kernel != weight_layers(trace)[0] or input_scale(trace) <= large) and given > scale)


def _evidence(steep: float, slope: float, flat: float, share: float) -> Evidence:
    if steep < slope:
        return Evidence("mean slope of the layer's nonlinearity over its largest", steep, "<", slope)
    return Evidence("share of the layer's units that are flat for the whole batch", flat, ">", share, SATURATED)


def _shown(steep: float, flat: float) -> str:
    constant = f"{flat:.0%} of its units answer the same to every input"
    return f"the mean slope of its nonlinearity is {steep:.1%} of the largest" if steep > 0 else constant


def _locus(trace: Trace, layer: int, born: bool, large: float) -> Locus:
    kernel = kernel_before(trace, layer)
    if not born:
        return Locus("learning-rate", source=learning_rate_line(trace))
    if kernel == weight_layers(trace)[0] and not input_scale(trace) <= large:
        return Locus("input-scaling", source=call_line(trace, "fit", "forward", "step"))
    return Locus("initializer", *argument(trace, kernel, "kernel_initializer", "initializer"))


def _remedies(layer: int, activation: str | None, kind: str) -> tuple[Remedy, ...]:
    first = {
        "learning-rate": "Lower the learning rate",
        "input-scaling": "Scale the inputs to a mean of 0 and a standard deviation of 1",
        "initializer": "Use Glorot (xavier) initialization",
    }[kind]
    change = Intervention("set-activation", f"layer {layer}", "relu")
    return (Remedy(first), Remedy("Use a nonlinearity that does not saturate", activation, "relu", change))
