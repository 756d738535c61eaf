"""All weights of a hidden layer start with the same value.

What it means
The layer's kernel was initialized with zeros, ones or another constant, so all its units compute the same.

Why it hurts
Units that start equal and get equal gradients stay equal: 100 units learn what one would. With zeros it is worse. A layer
of zeros passes no gradient back, and under ReLU gets none itself, so that everything but the last bias stands still.

How it is recognized
At the first recorded step the smallest weight of a hidden layer equals the largest. That alone is no fault, since unequal
weights behind the layer soon tell the units apart. So the harm must be seen, over `samples` = 5 recorded steps at least (layers
that are zero on purpose leave zero in the first or second step). Either the weight gradient is exactly 0 in all recorded
steps after the first. Or the units still answer alike in the five after the first update: the variance of the output
between units is below `alike` = 0.00001 of its mean square, which is the rounding of single precision with ten times
room; for a random initializer it is 0.001 or more. (In the end rounding alone may tell them apart.) Layers whose units
have several positions do not show that; for them the next layer with weights must be constant as well, and the network
clearly must not learn.

How to fix it
Leave the framework's own initializer in place (Glorot in Keras, He in PyTorch), or use a random one. Biases may be 0.

When it is wrong
The output layer may start at zero; so may the last layer of a residual branch, the second factor of a low-rank adapter, or a
layer behind which the network is random: all of them get a gradient that tells their units apart, and are left alone.
Layers with one unit, frozen layers, norms and biases are not judged.

References
Goodfellow, Bengio, Courville: Deep Learning, section 8.4. https://www.deeplearningbook.org/contents/optimization.html
Glorot, Bengio: Understanding the difficulty of training deep feedforward networks. https://proceedings.mlr.press/v9/glorot10a.html
Zhang, Dauphin, Ma: Fixup initialization. https://arxiv.org/abs/1901.09321
Hu et al.: LoRA. https://arxiv.org/abs/2106.09685
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.wording import in_framework
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import FloatArray, Layer, Trace

KERNELS = ("dense", "conv", "recurrent", "attention", "embedding")


@rule(
    code="M501",
    severity=Severity.HIGH,
    needs=("layers", Series("weight", "min"), Series("weight", "max")),
    explains=(
        "dead-units",
        "initial-weights-of-wrong-scale",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "network-too-small",
        "saturated-units",
        "squared-error-on-classes",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, samples: int = 5, alike: float = 1e-5) -> Iterator[Finding]:
    """Yield one finding, for the first hidden layer whose weights all start equal and whose units stay so."""
    if len(trace.sampled) <= samples:
        return
    hidden, found = _kernels(trace)[:-1], []
    for place, layer in enumerate(hidden):
        if not _is_constant(trace, layer) or not layer.trainable or (layer.output_shape or (2,))[-1] == 1:
            continue
        behind = _kernels(trace)[place + 1]
        if (harm := _harm(trace, layer, behind, samples, alike)) is not None:
            found.append((layer, harm))
    if found:
        yield _finding(trace, *found[0], len(found) - 1)


def _kernels(trace: Trace) -> list[Layer]:
    """The layers with weights, in the order in which data passes through them."""
    found = [layer for layer in trace.layers if layer.kind in KERNELS and layer.parameters and layer.order is not None]
    return sorted(found, key=lambda layer: layer.order or 0)


def _column(trace: Trace, layer: Layer, role: str, stat: str) -> FloatArray:
    return trace.series(role, stat)[:, trace.layers.index(layer)]


def _is_constant(trace: Trace, layer: Layer) -> bool:
    return bool(_column(trace, layer, "weight", "min")[0] == _column(trace, layer, "weight", "max")[0])


def _harm(trace: Trace, layer: Layer, behind: Layer, samples: int, alike: float) -> Evidence | None:
    """The proof that the units do not part."""
    gradient = _column(trace, layer, "weight_gradient", "rms")[1:]
    steps = tuple(int(step) for step in trace.sampled[1:])
    if (gradient == 0).all():
        return Evidence("largest weight gradient", 0, "==", 0, Series("weight_gradient", "rms"), steps)
    if len(layer.output_shape or ()) > 1:
        if _is_constant(trace, behind) and learns_well(trace) is False:
            return Evidence("difference of the largest and smallest weight, here and in the next layer", 0, "==", 0)
        return None
    updated = np.flatnonzero(_column(trace, layer, "weight_update", "rms") > 0)[:1]
    after = slice(int(updated[0]) + 1, int(updated[0]) + 1 + samples) if len(updated) else slice(0)
    apart, when = _between_units(trace, layer)[after], tuple(int(step) for step in trace.sampled[after])
    if len(apart) == samples and (apart < alike).all():
        what = "variance between units, as a share of the mean square"
        return Evidence(what, float(apart.max()), "<", alike, steps=when)
    return None


def _between_units(trace: Trace, layer: Layer) -> FloatArray:
    """Variance of the output between units over its mean square, [samples]: 0 if all units have the same mean.

    The variance of all outputs is that between units plus that over examples, which `spread` holds.
    """
    rms, mean, spread = (_column(trace, layer, "activation", stat) for stat in ("rms", "mean", "spread"))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.abs(rms**2 - mean**2 - spread**2) / rms**2
    return np.where(rms == 0, 0.0, share)


def _finding(trace: Trace, layer: Layer, harm: Evidence, others: int) -> Finding:
    value = float(_column(trace, layer, "weight", "min")[0])
    place = places.argument(trace, layer.index, "kernel_initializer", "initializer", "embeddings_initializer")
    change = Intervention("set-initializer", f"layer {layer.index}", "glorot_uniform")
    after = in_framework(trace, "glorot_uniform")
    start = (int(trace.sampled[0]),)
    more = f" (so do those of {others} more layer{'s' * (others > 1)})" if others else ""
    return Finding(
        message=f"All weights of {places.called(trace, layer.index)} start at {value:g}{more}, and after training began its units "
        "still compute the same.",
        locus=Locus("initializer", *place),
        evidence=(
            Evidence("largest minus smallest weight at the start", 0, "==", 0, Series("weight", "max"), start),
            harm,
        ),
        remedies=(Remedy("Use a random initializer, such as the framework's default.", f"{value:g}", after, change),),
    )
