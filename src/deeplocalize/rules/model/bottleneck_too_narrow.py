"""A hidden layer of one or two units is a bottleneck: what it does not let through is lost.

What it means
Everything the network knows of its input passes through this layer as one number or two, although more classes or quantities are
asked for. Often the number of outputs was written where the number of hidden units belongs.

Why it hurts
The layers behind it must tell all answers apart on a line or in a plane. That can be done in principle and is hardly ever
learned: some classes fall together, and if the unit is a ReLU it may be dead from the start, and all of them do.

How it is recognized
All of this holds:
- A hidden dense layer has at most `few` = 2 units, and what it is given is at least `wider` = 4 times as wide. The next layer
  with weights takes these units alone, and nothing in the network is frozen.
- The output asks for more: classes are more than the units plus one (a linear layer behind w units can part w + 1 classes
  whatever they are like), quantities more than the units.
- The network does worse than its inputs allow, by more than three standard errors: the five nearest neighbors among the rows
  trained on, each row left out of its own answer, remove at least `least` = 0.2 more of the constant answer's error. And its loss has
  levelled off, or is no better than that of a constant answer after enough steps.

How to fix it
Give the layer as many units as its neighbors, and at least as many as there are classes.

When it is wrong
Gates, attention scores and the like have one unit beside the main path: what comes behind them is wide. Autoencoders, low-rank
adapters, outputs of one or two units, and networks that do well with a plane to draw their classes in are left alone.

References
C. Szegedy et al.: Rethinking the Inception Architecture, 2015, "avoid representational bottlenecks". https://arxiv.org/abs/1512.00567
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import weight_layers
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.potential import compare, has_levelled_off
from deeplocalize.signals.quality import learns_well
from deeplocalize.trace.schema import Trace


@rule(
    code="M504",
    severity=Severity.MEDIUM,
    needs=("steps", "loss", "layers", "objective", "sample"),
    explains=(
        "dead-units",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "network-too-small",
        "saturated-units",
        "too-few-steps",
        "vanishing-gradient",
    ),
)
def check(trace: Trace, *, few: int = 2, wider: float = 4.0, least: float = 0.2) -> Iterator[Finding]:
    """Yield one finding, for the narrowest hidden layer."""
    layers = [trace.layers[at] for at in weight_layers(trace)]
    asked = _asked(trace)
    narrow = [
        (_width(layer.output_shape), layer.index)
        for layer, behind in itertools.pairwise(layers)
        if layer.kind == "dense"
        and _width(layer.output_shape) <= min(few, asked)
        and _width(layer.input_shape) >= wider * _width(layer.output_shape)
        and _width(behind.input_shape) == _width(layer.output_shape)
    ]
    if not narrow or not all(layer.trainable for layer in layers):
        return
    well, (width, index) = learns_well(trace), min(narrow)
    if well is None or not (well is False or has_levelled_off(trace)) or (found := compare(trace)) is None:
        return
    if not found.beats("neighbors", "network", least):
        return
    gain = (found.of("network") - found.of("neighbors")) / found.constant
    place = argument(trace, index, "units", "out_features")
    given = _width(trace.layers[index].input_shape)
    better = int(max(min(given, 32), asked + 1))
    yield Finding(
        message=f"All that the network knows of its input passes through the {width:g} unit{'s' * (width > 1)} of "
        f"{called(trace, index)}, which {'are' if width > 1 else 'is'} given {given:g} values: its error on the rows trained on is "
        f"{found.of('network'):.2g}, that of their nearest neighbors {found.of('neighbors'):.2g}.",
        locus=Locus("layer-width", *place),
        evidence=(
            Evidence("units of the layer", width, "<=", few),
            Evidence("share of the constant answer's error that the network leaves over", gain, ">", least),
        ),
        remedies=(
            Remedy(
                "Give the layer more units",
                f"{width:g}",
                f"{better}",
                Intervention("set-units", f"layer {index}", better),
            ),
        ),
        strength=strength_of(gain, least, decades=1.0),
    )


def _asked(trace: Trace) -> float:
    """How many units are too few if there are no more than these: classes less two, or quantities less one."""
    objective = trace.run.objectives[0]
    units = objective.head.units or 0
    return units - 1 if objective.loss.takes == "values" else units - 2


def _width(shape: tuple[int | None, ...] | None) -> float:
    known = [size for size in shape or () if size is not None]
    return float(math.prod(known)) if known else math.nan
