"""Most units of a layer are saturated: their nonlinearity is flat for every input.

What it means
Sigmoid and tanh are flat far from 0. A unit whose input is far out for every example answers the same (0 or 1, -1 or 1)
whatever it is shown, and its slope is almost 0.

Why it hurts
Such a unit tells the next layer nothing, and hardly any gradient passes through it, so it does not come back.

How it is recognized
In the middle of the recorded steps of the second half of the run (the median), more than `share` = 0.5 of the units of a
hidden layer are within 1 % of an end of their nonlinearity's range for every example of the batch. Single examples
saturate units in every healthy network; a unit that is saturated for a whole batch is a constant. Half of them is a
loss that no usual initializer leads to. In batches of fewer than `examples` = 8 all units must be saturated. And the
network must suffer: it is no better than a constant answer after 100 steps and 3,200 examples.
Saturation in the first recorded step points to the scale of the inputs in the first layer and to the initializer
elsewhere; later saturation points to a step that was too long.

How to fix it
Scale the inputs to a mean of 0 and a standard deviation of 1; use Glorot initialization; lower the learning rate; put a
normalization layer before the nonlinearity, or use ReLU.

When it is wrong
A network that learns well is never accused: gates of recurrent layers and binary codes are saturated on purpose.

References
X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010.
https://proceedings.mlr.press/v9/glorot10a.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import activation_carrier, hidden_layers, lasting, weight_layers
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line, learning_rate_line
from deeplocalize.trace.definitions import SATURATION
from deeplocalize.trace.schema import Series, Trace

SATURATED = Series("activation", "saturated")


@rule(
    code="A702",
    severity=Severity.HIGH,
    needs=("steps", "loss", SATURATED),
    explains=("learning-rate-too-low", "loss-no-better-than-constant", "vanishing-gradient", "weights-never-change"),
)
def check(trace: Trace, *, share: float = 0.5, examples: int = 8) -> Iterator[Finding]:
    """Yield one finding, for the first layer with mostly saturated units."""
    flat = lasting(trace, *SATURATED)
    sizes = recorded(trace.scalar("batch_size"))
    enough = not len(sizes) or np.median(sizes) >= examples
    layers = [at for at in hidden_layers(trace, tuple(SATURATION)) if flat[at] > share and (enough or flat[at] == 1)]
    if not layers or learns_well(trace) is not False:
        return
    layer, column = layers[0], trace.series(*SATURATED)[:, layers[0]]
    first = int(trace.sampled[int(np.argmax(column > share))])
    locus = _locus(trace, layer, bool(column[0] > share))
    yield Finding(
        message=f"In {called(trace, layer)} {flat[layer]:.0%} of the units are saturated for every input since step {first}: "
        "they answer a constant and let hardly any gradient through.",
        locus=locus,
        evidence=(
            Evidence(
                "share of the layer's units that are flat for the whole batch",
                float(flat[layer]),
                ">",
                share,
                SATURATED,
            ),
        ),
        remedies=_remedies(activation_carrier(trace, layer), trace.layers[layer].activation, locus.kind),
        strength=strength_of(1 - share, max(1 - float(flat[layer]), 1e-9)),
        first_step=first,
    )


def _locus(trace: Trace, layer: int, born: bool) -> Locus:
    if not born:
        return Locus("learning-rate", source=learning_rate_line(trace))
    if layer == weight_layers(trace)[0]:
        return Locus("input-scaling", source=call_line(trace, "fit", "forward", "step"))
    return Locus("initializer", *argument(trace, layer, "kernel_initializer", "initializer"))


def _remedies(layer: int, activation: str | None, kind: str) -> tuple[Remedy, ...]:
    first = {
        "learning-rate": "Lower the learning rate",
        "input-scaling": "Scale the inputs to a mean of 0 and a standard deviation of 1",
        "initializer": "Use Glorot (xavier) initialization",
    }[kind]
    change = Intervention("set-activation", f"layer {layer}", "relu")
    return (Remedy(first), Remedy("Or use a nonlinearity that does not saturate", activation, "relu", change))
