"""The gradient vanishes on its way to the first layers.

What it means
The gradient of the loss is handed back from layer to layer, and each one multiplies it by its weights and by the slope
of its nonlinearity. The slope of sigmoid is at most a quarter, and small weights shrink the gradient just as well. After
several such layers almost nothing is left.

Why it hurts
The first layers keep their random start, and the last ones work with scrambled features. With SGD the first layers
stand still; Adam rescales what arrives, but what arrives is mostly noise.

How it is recognized
The L2 norm of the loss's gradient at the output of each hidden layer with weights is followed from the last to the
first. All of this must hold.
- At the first hidden layer it is below `ratio` = 0.02 of that at the last, both in the first recorded step and in the
  middle of all recorded ones (the median). Networks that are initialized well, or have normalization or shortcuts, keep
  it within a factor of 30 over 14 layers.
- The network does not learn: after 100 steps and 3,200 examples it is no better than a constant answer. Or its loss has
  levelled off where it leaves `left` = 0.5 of the constant answer's error more, on validation data, than the five nearest
  neighbors do in training.
A fall that begins during training has another cause, such as units that died.

How to fix it
Where the fall begins at sigmoid or tanh: use ReLU or one of its kin. Elsewhere: an initializer that fits the
nonlinearity (He for ReLU), a normalization layer, or shortcuts around blocks of layers.

When it is wrong
A network that learns well is never accused, nor one that has converged and has small gradients everywhere: only the
relation between layers counts. Deep networks often leave such a plateau after a few thousand steps of Adam; a longer
run shows that.

References
X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010.
https://proceedings.mlr.press/v9/glorot10a.html
K. He et al.: Delving Deep into Rectifiers, 2015. https://arxiv.org/abs/1502.01852
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import activation_carrier, backward_signal, gradient_rise, middle, weight_layers
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.potential import falls_short
from deeplocalize.signals.quality import learns_well
from deeplocalize.trace.definitions import SATURATION
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

GRADIENT = Series("activation_gradient", "rms")


@rule(
    code="G601",
    severity=Severity.HIGH,
    needs=("steps", "loss", GRADIENT),
    explains=("learning-rate-too-low", "loss-no-better-than-constant", "network-too-small", "weights-never-change"),
)
def check(trace: Trace, *, ratio: float = 0.02, left: float = 0.5) -> Iterator[Finding]:
    """Yield one finding, at the layer where the fall begins."""
    falls = 10.0 ** gradient_rise(trace)
    fall = middle(falls)
    if not (falls[:1] < ratio).any() or not fall < ratio or not _does_harm(trace, left):
        return
    layers = weight_layers(trace)
    begins = int(layers[_start_of_fall(trace)])
    activation = trace.layers[begins].activation
    saturates = activation in SATURATION
    place = argument(trace, begins, "kernel_initializer", "initializer")
    if saturates:
        place = argument(trace, activation_carrier(trace, begins), "activation")
    yield Finding(
        message=f"The gradient shrinks to {fall:.1e} of its size from {called(trace, int(layers[-2]))} back to "
        f"{called(trace, int(layers[0]))}, so the first layers cannot learn.",
        locus=Locus("activation-hidden" if saturates else "initializer", *place),
        evidence=(
            Evidence("gradient norm at the first hidden layer over that at the last", fall, "<", ratio, GRADIENT),
        ),
        remedies=_remedies(place.layer, activation if saturates else None),
        strength=strength_of(fall, ratio),
        first_step=int(trace.sampled[0]),
    )


def _does_harm(trace: Trace, left: float) -> bool:
    well = learns_well(trace)
    return well is False or falls_short(trace, left, well) is not None


def _start_of_fall(trace: Trace) -> int:
    """Position of the hidden layer nearest to the output behind which the gradient falls at least at its mean pace."""
    profile = np.array([middle(column) for column in backward_signal(trace).T])
    falls = np.diff(profile)
    steep = np.flatnonzero(falls >= (profile[-1] - profile[0]) / len(falls))
    return int(steep[-1]) + 1 if len(steep) else len(profile) - 1


def _remedies(layer: int | None, activation: str | None) -> tuple[Remedy, ...]:
    other = Remedy("Add normalization layers, or shortcuts around blocks of two or three layers")
    if activation is None:
        return (Remedy("Use an initializer that fits the nonlinearity, such as He (kaiming) for ReLU"), other)
    change = Intervention("set-activation", f"layer {layer}", "relu")
    return (Remedy(f"Use relu instead of {activation} in the hidden layers", activation, "relu", change), other)
