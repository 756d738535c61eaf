"""Most units of a layer are dead: they answer 0 to every input.

What it means
A ReLU unit whose input is below zero for every example answers 0, whatever it is shown. Its slope there is 0 too, so no
gradient reaches its weights and it stays dead.

Why it hurts
The layer hands on almost nothing. If all units are dead, the network gives the same answer to every input, and nothing
below that layer learns any more.

How it is recognized
In the middle of the recorded steps of the second half of the run (the median), more than `share` = 0.9 of the units of a
layer with a ReLU-like nonlinearity are zero for every example of the batch. A healthy ReLU layer often has 50 % zeros,
and many have 50 to 70 % dead units in a batch. In batches of fewer than `examples` = 8, where a unit may be zero for all
by chance, all units must be dead. And the network must suffer: it is no better than a constant answer after 100 steps
and 3,200 examples, or its prediction is the same for every example while all units of a layer are dead.
Units that are dead in the first recorded step point to the initializer, later ones to a step that was too long. Later ones are
left alone where layers were cut off from the gradient before: that came first.

How to fix it
If they died during training: lower the learning rate. If they were born dead: use He initialization with biases of 0, and
inputs around 0. LeakyReLU, ELU and GELU keep a slope on both sides.

When it is wrong
A network that learns well is never accused: sparse layers are a feature of ReLU, and 97 % dead units have been seen in
networks that learn their task. Layers at which a mixture of experts or a mask switches units off may look dead.

References
L. Lu et al.: Dying ReLU and Initialization, 2019. https://arxiv.org/abs/1903.06733
A. Maas et al.: Rectifier Nonlinearities Improve Neural Network Acoustic Models, 2013.
https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.cuts import cut_off
from deeplocalize.signals.origin import spoiled_before
from deeplocalize.signals.over_depth import (
    activation_carrier,
    hidden_layers,
    kernel_before,
    lasting,
    meant_to_change,
    middle,
)
from deeplocalize.signals.over_time import recent, recorded
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import learning_rate_line
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

DEAD = Series("activation", "dead")

RELU_LIKE = ("relu", "relu6", "gelu", "silu", "swish", "mish", "hard_swish", "threshold")
"""Nonlinearities that are (nearly) 0, and flat, on one whole side."""


@rule(
    code="A701",
    severity=Severity.HIGH,
    needs=("steps", "loss", DEAD),
    explains=(
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, share: float = 0.9, examples: int = 8) -> Iterator[Finding]:
    """Yield one finding, for the first layer with mostly dead units."""
    dead = lasting(trace, trace.series(*DEAD))
    sizes = recorded(trace.scalar("batch_size"))
    enough = not len(sizes) or np.median(sizes) >= examples
    layers = [at for at in hidden_layers(trace, RELU_LIKE) if dead[at] > share and (enough or dead[at] == 1)]
    well = learns_well(trace)
    if not layers or well or (well is None and not (dead[layers[0]] == 1 and _answers_the_same(trace))):
        return
    layer, column = layers[0], trace.series(*DEAD)[:, layers[0]]
    born = bool(column[0] > share)
    first = int(trace.sampled[int(np.argmax(column > share))])
    if spoiled_before(trace, first) or (not born and cut_off(trace, meant_to_change(trace))):
        return
    place = argument(trace, kernel_before(trace, layer), "kernel_initializer", "initializer")
    when = "before the first step" if born else f"since step {first}"
    more = f" (and in {len(layers) - 1} more layer{'s' * (len(layers) > 2)})" if len(layers) > 1 else ""
    yield Finding(
        message=f"In {called(trace, layer)} {dead[layer]:.0%} of the units are dead{more}, {when}: they answer 0 to every "
        "input and get no gradient.",
        locus=Locus("initializer", *place) if born else Locus("learning-rate", source=learning_rate_line(trace)),
        evidence=(
            Evidence("share of the layer's units that are 0 for the whole batch", float(dead[layer]), ">", share, DEAD),
        ),
        remedies=_remedies(activation_carrier(trace, layer), trace.layers[layer].activation, born),
        strength=strength_of(1 - share, max(1 - float(dead[layer]), 1e-9)),
        first_step=first,
    )


def _answers_the_same(trace: Trace) -> bool:
    return middle(recent(trace.scalar("prediction.spread"))) == 0


def _remedies(layer: int, activation: str | None, born: bool) -> tuple[Remedy, ...]:
    first = "Use He (kaiming) initialization and biases of 0" if born else "Lower the learning rate"
    change = Intervention("set-activation", f"layer {layer}", "leaky_relu")
    return (Remedy(first), Remedy("Use a nonlinearity with a slope on both sides", activation, "leaky_relu", change))
