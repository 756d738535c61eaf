"""There is no nonlinearity between the layers, so that together they are one linear map.

What it means
A layer with weights computes a weighted sum. Weighted sums of weighted sums are weighted sums again: without a nonlinearity in
between, any number of layers can answer no more than one layer could. In PyTorch nothing is put between layers unless
somebody writes it; in Keras the default of `activation` is none.

Why it hurts
The network draws straight lines. Classes that no straight line parts, and quantities that depend on products, bends or
distances, stay out of reach, however long it trains and however wide it is.

How it is recognized
All of this holds:
- Everything between the first layer with weights and the output layer is known to be linear: dense and convolution layers, sums,
  means, reshaping, dropout, batch normalization (which is linear once the training is over), and nothing else. There are two
  layers with weights at least, and no hidden one is narrower than its surroundings: that would be a compression on purpose.
- The loss has levelled off: in the last quarter of the run it is less than a tenth lower than in the quarter before.
- A map that is not linear does better, on the very rows trained on, each left out of its own answer. The five nearest neighbors,
  or least squares with a Gaussian kernel, remove at least `least` = 0.1 of the constant answer's error more than the network,
  and more than the best linear map, by more than three standard errors; and at most `most` = 0.5 of the network's error is
  left. So the network is not just badly trained (then a linear map would do better too), and what is missing is not noise.

How to fix it
Put a nonlinearity such as ReLU behind each hidden layer.

When it is wrong
One layer alone (linear regression, logistic regression), factors of a matrix, word vectors, low-rank adapters and linear
autoencoders are linear on purpose and left alone, and so is every network that does as well as a linear map can where no
other map does better. Nonlinear features that a program makes before the first layer do not count as part of the network.

References
Goodfellow, Bengio, Courville: Deep Learning, section 6.1, learning XOR. https://www.deeplearningbook.org/contents/mlp.html
Keras, Dense: "If you don't specify anything, no activation is applied". https://keras.io/api/layers/core_layers/dense/
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import weight_layers
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.potential import Comparison, compare, has_levelled_off
from deeplocalize.trace.schema import Layer, Trace


@rule(
    code="M503",
    severity=Severity.MEDIUM,
    needs=("steps", "loss", "layers", "objective", "sample"),
    explains=("loss-no-better-than-constant", "network-too-small"),
)
def check(trace: Trace, *, least: float = 0.1, most: float = 0.5) -> Iterator[Finding]:
    """Yield one finding, at the first hidden layer without a nonlinearity."""
    head = trace.run.objectives[0].head
    layers = [trace.layers[at] for at in weight_layers(trace)]
    if not head.linear or len(layers) < 2 or layers[-1].index != head.layer or _is_compressed(layers):
        return
    if not has_levelled_off(trace) or (found := compare(trace, probes=True)) is None:
        return
    best = min(("neighbors", "curved"), key=found.of)
    if not found.beats(best, "network", least) or not found.beats(best, "linear", least):
        return
    if found.of(best) > most * found.of("network"):
        return
    yield _finding(trace, layers, found, best, least, most)


def _is_compressed(layers: list[Layer]) -> bool:
    """True if a hidden layer is narrower than what goes in and what comes out in the end."""
    widths = [_width(layers[0].input_shape), *(_width(layer.output_shape) for layer in layers)]
    return any(hidden < min(widths[0], widths[-1]) for hidden in widths[1:-1])


def _width(shape: tuple[int | None, ...] | None) -> float:
    known = [size for size in shape or () if size is not None]
    return float(math.prod(known)) if known else math.inf


def _finding(trace: Trace, layers: list[Layer], found: Comparison, best: str, least: float, most: float) -> Finding:
    names = {"neighbors": "the five nearest neighbors", "curved": "least squares with a Gaussian kernel"}
    place = argument(trace, layers[0].index, "activation")
    rows, unit = len(found.errors["network"]), "errors" if trace.data.baseline_accuracy is not None else "squared error"
    more = f" and {len(layers) - 2} more hidden layer{'s' * (len(layers) > 3)}" if len(layers) > 2 else ""
    gain = (found.of("network") - found.of(best)) / found.constant
    over = (found.of("linear") - found.of(best)) / found.constant
    change = Intervention("set-activation", f"layer {place.layer}", "relu")
    return Finding(
        message=f"Behind {called(trace, place.layer)}{more} there is no nonlinearity, so that all {len(layers)} layers are one linear "
        f"map: its share of {unit} is {found.of('network'):.2g}, where {names[best]} have {found.of(best):.2g}.",
        locus=Locus("activation-hidden", *place),
        evidence=(
            Evidence(
                f"share of the constant answer's error on {rows} rows that the network leaves over", gain, ">", least
            ),
            Evidence("the same for the best linear map", over, ">", least),
            Evidence("what is left of the network's error", found.of(best) / found.of("network"), "<=", most),
        ),
        remedies=(Remedy("Put a nonlinearity behind each hidden layer", "linear", "relu", change),),
        strength=1.0 if found.of(best) < most / 2 * found.of("network") else 0.75,
    )
