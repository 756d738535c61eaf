"""The network is too small for its task: more units would fit the training set much better.

What it means
The widest hidden layer has a handful of units, each good for one bend or edge of the answer. The task asks for more of them.

Why it hurts
The network underfits: its gradients are sound, and still its answers on the very rows trained on are far worse than
what the inputs allow. Longer training or another rate changes little.

How it is recognized
All of this holds:
- All layers with weights are dense, there is a hidden one, and the widest hidden one has at most `few` = 6 units. They are not one
  linear map. Nothing is frozen, dropped out or disturbed with noise, and no penalty or decay of note holds the weights down.
- The training had its chance: the weights travelled `path` = 2 times their own size or more, twice what networks need to show that
  they learn.
- The data allow for much more, on the very rows trained on, each left out of its own answer: the five nearest neighbors, or least
  squares with a Gaussian kernel, remove at least `least` = 0.2 of the constant answer's error more than the network, by more than
  three standard errors, and at most `most` = 0.5 of the network's error is left, so noise is not in the way. Both must hold as well
  for the error that would be left if it went on falling as in the last quarter of the run, for `again` = 1 more run of this length.
Or a hidden layer of so few units died out during the training, so that nothing goes through it any more: that each unit of a layer
dies is the less likely the more there are (see Lu et al.).

How to fix it
Give the hidden layers more units, the narrowest first; 32 are a usual start.

When it is wrong
A small network that does as well as the data allow, be they noisy or simple, is left alone, and so are linear and logistic
regression, autoencoders, and trainings that are still on their way. Where another fault explains that the network does not fit,
such as a wrong learning rate, that one is told first.

References
Goodfellow, Bengio, Courville: Deep Learning, section 5.2, capacity and underfitting. https://www.deeplearningbook.org/contents/ml.html
L. Lu et al.: Dying ReLU and Initialization, 2019. https://arxiv.org/abs/1903.06733
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.decay import decays
from deeplocalize.signals.movement import distance, typical_updates
from deeplocalize.signals.over_depth import dead_share, died_out, weight_layers
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.potential import compare, pace
from deeplocalize.signals.quality import learns_well, steps_seen
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Layer, Trace

USUAL = 32
"""Units that a hidden layer of a small network usually has at least."""

DEAD = Series("activation", "dead")

MILD = 0.01
"""The decay that AdamW has unless it is told otherwise; it restrains nobody."""


@rule(
    code="M508",
    severity=Severity.LOW,
    needs=("steps", "loss", "layers", "objective", "sample", Series("weight", "rms"), Series("weight_update", "rms")),
    explains=("dead-units", "loss-no-better-than-constant"),
)
def check(
    trace: Trace, *, few: int = 6, path: float = 2.0, again: float = 1.0, least: float = 0.2, most: float = 0.5
) -> Iterator[Finding]:
    """Yield one finding, for the narrowest hidden layer."""
    layers = [trace.layers[at] for at in weight_layers(trace)]
    hidden = layers[:-1]
    head = trace.run.objectives[0].head
    if not hidden or head.linear or layers[-1].index != head.layer or max(map(_units, hidden)) > few:
        return
    if not all(layer.kind == "dense" and layer.trainable for layer in layers) or _is_restrained(trace):
        return
    if (
        not learns_well(trace)
        and (died := next((layer for layer in hidden if died_out(dead_share(trace, layer.index))), None)) is not None
    ):
        yield _of_dead_units(trace, died, few)
        return
    travelled = float(distance(trace, typical_updates(trace), np.array([steps_seen(trace)]))[0])
    if not travelled >= path or (found := compare(trace, probes=True)) is None:
        return
    best = min(("neighbors", "curved"), key=found.of)
    ahead = found.of("network") * min(1.0, pace(trace)) ** (4 * again)
    if not found.beats(best, "network", least) or not found.of(best) < min(
        most * ahead, ahead - least * found.constant
    ):
        return
    narrow = min(hidden, key=_units)
    gain, rest = (found.of("network") - found.of(best)) / found.constant, found.of(best) / found.of("network")
    place, units = argument(trace, narrow.index, "units", "out_features"), _units(narrow)
    names = {"neighbors": "their nearest neighbors", "curved": "least squares with a Gaussian kernel"}
    yield Finding(
        message=f"The network is too small: with {units:g} unit{'s' * (units > 1)} in {called(trace, narrow.index)} its error on "
        f"the rows trained on stays at {found.of('network'):.2g}, where {names[best]} have {found.of(best):.2g}.",
        locus=Locus("layer-width", *place),
        evidence=(
            Evidence("units of the widest hidden layer", max(map(_units, hidden)), "<=", few),
            Evidence("how far the weights travelled, in units of their size", travelled, ">=", path),
            Evidence("share of the constant answer's error that the network leaves over", gain, ">", least),
            Evidence("what is left of the network's error", rest, "<=", most),
        ),
        remedies=(_more_units(narrow),),
        strength=0.75,
    )


def _of_dead_units(trace: Trace, layer: Layer, few: int) -> Finding:
    units, dead = _units(layer), dead_share(trace, layer.index)
    return Finding(
        message=f"The network is too small: of the {units:g} unit{'s' * (units > 1)} in {called(trace, layer.index)} none is alive "
        "any more, so it answers the same to every input.",
        locus=Locus("layer-width", *argument(trace, layer.index, "units", "out_features")),
        evidence=(
            Evidence("units of the layer", units, "<=", few),
            Evidence("share of them that are 0 for the whole batch", float(dead[-1]), "==", 1, DEAD),
        ),
        remedies=(_more_units(layer),),
        strength=0.75,
        first_step=int(trace.sampled[int(np.argmax(dead == 1))]),
    )


def _more_units(layer: Layer) -> Remedy:
    change = Intervention("set-units", f"layer {layer.index}", USUAL)
    return Remedy("Give the hidden layers more units", f"{_units(layer):g}", f"{USUAL}", change)


def _units(layer: Layer) -> float:
    known = [size for size in layer.output_shape or () if size is not None]
    return float(math.prod(known)) if known else math.inf


def _is_restrained(trace: Trace) -> bool:
    """True if something holds the network back on purpose: noise, a penalty, a decay of the weights."""
    noisy = any(layer.kind in ("dropout", "noise") for layer in trace.layers)
    return noisy or any(decay.strength > MILD for decay in decays(trace))
