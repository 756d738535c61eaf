"""A hidden layer has come to hand on the same for every input.

What it means
One term of the loss presses the outputs of a layer toward a constant, and outweighs what the rest of the loss wants to learn
from them. The usual case is a variational autoencoder whose reconstruction is averaged over the elements of an example, or
weighs little, beside a Kullback-Leibler term that is summed: the code then carries nothing ("posterior collapse").

Why it hurts
All that comes after the layer answers nearly the same to every input. The loss still falls, to where it is best for one answer
to everything, and looks as if it had converged.

How it is recognized
For a layer with weights that is not the last one, what it hands on fades away: in the last tenth of the recorded steps, both
its size (RMS) and how much it varies from example to example (spread) are below `rest` = 0.1 of what they were in the first
three, although its weights are about what they were, within a factor of 1 / `kept` (0.3): neither has a decay taken them nor
have huge steps blown them up. Networks that learn go the other way: spread grows several times over. The last layer must have
lost spread as well, to less than `answers` = 0.6 of what it was, after 100 steps and 3,200 examples; a branch that is not
needed may fade. Nothing is said where the loss is one that a constant answer can be compared with and the network does better,
or where units of the layer are dead.

How to fix it
Bring both terms to the same measure: sum the reconstruction over the elements of an example and take the mean over the
examples, as with the other term. Or give the other term a small weight, or let its weight grow from zero.

When it is wrong
A network that is to forget its input, such as one trained for the same answer to everything, fades too. Adversaries that take
turns with another network are not judged.

References
S. Bowman et al.: Generating Sentences from a Continuous Space, 2016. https://arxiv.org/abs/1511.06349
J. Lucas et al.: Don't Blame the ELBO! A Linear VAE Perspective on Posterior Collapse, 2019. https://arxiv.org/abs/1911.02469
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import lasting, middle, weight_layers
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.places import called
from deeplocalize.signals.quality import has_had_time, in_turns, learns_well
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Layer, Trace

SPREAD, SIZE = Series("activation", "spread"), Series("activation", "rms")
WEIGHT, DEAD = Series("weight", "rms"), Series("activation", "dead")

FIRST = 3
"""Recorded steps that the start is judged by."""


@rule(
    code="L220",
    severity=Severity.MEDIUM,
    needs=("steps", "loss", SPREAD, WEIGHT),
    explains=("loss-no-better-than-constant", "network-too-small", "vanishing-gradient"),
)
def check(trace: Trace, *, rest: float = 0.1, kept: float = 0.3, answers: float = 0.6) -> Iterator[Finding]:
    """Yield one finding, for the narrowest layer that has faded: the code."""
    layers = [int(at) for at in weight_layers(trace)]
    if (
        len(layers) < 2
        or in_turns(trace)
        or not has_had_time(trace)
        or (trace.data.baseline_loss and learns_well(trace))
    ):
        return
    dead = lasting(trace, trace.series(*DEAD))
    faded = [
        at
        for at in layers[:-1]
        if _left(trace, SPREAD, at) < rest
        and _left(trace, SIZE, at) < rest
        and kept < _left(trace, WEIGHT, at) < 1 / kept
        and not dead[at] > rest
    ]
    last = _left(trace, SPREAD, layers[-1])
    if not faded or not last < answers:
        return
    code = min(reversed(faded), key=lambda at: _units(trace.layers[at]))
    left = _left(trace, SPREAD, code)
    loss = trace.run.objectives[0].loss.source if trace.run.objectives else None
    yield Finding(
        message=f"What {called(trace, code)} hands on has faded: from example to example it varies by {left:.2g} of what it did "
        f"at first, and the network's answer by {last:.2g}. A term of the loss presses it to a constant and outweighs the others.",
        locus=Locus("loss", code, loss or call_line(trace, "loss", "backward", "forward", "fit")),
        evidence=(
            Evidence("spread of the layer's outputs, over that at the start", left, "<", rest, SPREAD),
            Evidence("size of its outputs, over that at the start", _left(trace, SIZE, code), "<", rest, SIZE),
            Evidence("size of its weights, over that at the start", _left(trace, WEIGHT, code), ">", kept, WEIGHT),
            Evidence("spread of the network's answer, over that at the start", last, "<", answers, SPREAD),
        ),
        remedies=(
            Remedy(
                "Sum the reconstruction over the elements of an example, as the other term is, before the mean over examples"
            ),
            Remedy("Give the other term a smaller weight, or let its weight grow from zero"),
        ),
        strength=strength_of(left, rest),
    )


def _units(layer: Layer) -> float:
    sizes = [size for size in layer.output_shape or () if size is not None]
    return float(math.prod(sizes)) if sizes else math.inf


def _left(trace: Trace, series: Series, layer: int) -> float:
    """What is left at the end of what was there at the start; NaN if that is not known."""
    values = recorded(trace.series(*series)[:, layer])
    if len(values) < 10 * FIRST:
        return math.nan
    start = middle(values[:FIRST])
    return middle(values[-(len(values) // 10) :]) / start if start > 0 else math.nan
