"""The inputs are so large, or so far from 0, that the first layer cannot use them.

What it means
Raw data (gray values up to 255, prices, years, counts) goes into the network as it is, and no layer normalizes it.

Why it hurts
The usual initializers keep the size of what they are given: inputs around 100 make sums around 100. There sigmoid and tanh
are flat, softmax is sure of one class before it has learned anything, and the gradient of the first layer, which is
proportional to its input, is 100 times too large for the learning rate. Inputs far from 0 that vary little (years around
2000) are hardly better: all examples look alike to the layer, and the loss is a long narrow valley.

How it is recognized
The network clearly does not learn: its loss is no better than a constant answer's; after `least` = 20 steps it is enough that
the loss is twice that and does not fall. Many networks learn from raw data, and they are left alone. And:
The inputs have a root mean square of `size` = 10 or more, where sigmoid is within 0.005 % of its end; initializers are made
for about 1. No layer up to the second one with weights normalizes or looks numbers up (rescaling, embedding).
The first layer with weights shows the effect in the first recorded step: its sums too have a root mean square of `size` or
more; or `flat` = 0.5 of its units are saturated for every example, which leaves half of them without a gradient; or its
output varies between examples by less than `contrast` = 0.05 of its size, where normalized inputs give about 0.5 to 1.
Batches of one example do not show how an output varies between examples; there the middle feature's spread over the
inputs' size, which a sum of features hands on, is held against `contrast` instead.

How to fix it
Subtract each feature's mean and divide by its deviation over the training data, or gray values by 255; or normalize first.

When it is wrong
Numbers that an embedding looks up, one-hot rows and inputs that are scaled inside the model fail one of these. A network
that fails for another reason and has raw inputs too is accused of both; whether its initial weights fit is seen afterwards.

References
LeCun, Bottou, Orr, Müller: Efficient BackProp, section 4.3. http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf
NaN loss when training a regression network. https://stackoverflow.com/questions/37232782
scikit-learn, StandardScaler. https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.StandardScaler.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import CannotEvaluate, rule
from deeplocalize.signals import places
from deeplocalize.signals.over_depth import raw_entrance, unlisted
from deeplocalize.signals.quality import is_stuck, learns_well
from deeplocalize.trace.cards import InputCard
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Layer, Trace


@rule(
    code="D101",
    severity=Severity.MEDIUM,
    needs=("inputs", "layers", Series("activation", "rms")),
    explains=(
        "dead-units",
        "exploding-gradient",
        "initial-weights-of-wrong-scale",
        "learning-rate-too-high",
        "loss-diverges",
        "loss-no-better-than-constant",
        "network-too-small",
        "non-finite-values",
        "representation-collapse",
        "saturated-units",
        "squared-error-on-classes",
        "too-few-steps",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(
    trace: Trace, *, size: float = 10.0, flat: float = 0.5, contrast: float = 0.05, least: int = 20
) -> Iterator[Finding]:
    """Find raw inputs that keep a network from learning."""
    entrance = raw_entrance(trace)
    large = [card for card in unlisted(trace) if _rms(card) >= size]
    if entrance is None or not large:
        return
    effect = _effect(trace, entrance, size, flat, contrast) or _alike(trace, large, contrast)
    well = learns_well(trace) if effect is not None else True
    if well is None and not is_stuck(trace, least):
        raise CannotEvaluate("it cannot be told yet whether the network learns")
    if effect is not None and not well:
        card = max(large, key=_rms)
        yield _finding(trace, card, entrance, size, effect)


def _rms(card: InputCard) -> float:
    return math.hypot(card.mean or 0.0, card.std or 0.0)


def _effect(trace: Trace, layer: Layer, size: float, flat: float, contrast: float) -> Evidence | None:
    """What the first recorded step shows in the first layer with weights."""
    step, at = (int(trace.sampled[0]),), trace.layers.index(layer)
    sums, output, saturated, spread = (
        float(trace.series(role, stat)[0, at])
        for role, stat in (
            ("preactivation", "rms"),
            ("activation", "rms"),
            ("activation", "saturated"),
            ("activation", "spread"),
        )
    )
    sums = output if math.isnan(sums) else sums
    if sums >= size:
        return Evidence("root mean square of the first layer's sums", sums, ">=", size, steps=step)
    if saturated >= flat:
        return Evidence("share of the first layer's units that are saturated", saturated, ">=", flat, steps=step)
    if output > 0 and spread / output < contrast:
        return Evidence(
            "variation of the first layer's output, over its size", spread / output, "<", contrast, steps=step
        )
    return None


def _alike(trace: Trace, large: list[InputCard], contrast: float) -> Evidence | None:
    """What the inputs themselves say of that variation, where batches of one example show none."""
    if np.isfinite(trace.series("activation", "spread")).any() or len(large) < len(trace.data.inputs):
        return None
    scales = [card.column_scale[1] / _rms(card) for card in large if card.column_scale is not None]
    if len(scales) < len(large) or max(scales) >= contrast:
        return None
    return Evidence("variation of the inputs' features, over their size", max(scales), "<", contrast)


def _finding(trace: Trace, card: InputCard, layer: Layer, size: float, effect: Evidence) -> Finding:
    rms, low, high = _rms(card), card.minimum or 0.0, card.maximum or 0.0
    gray = card.integral and low >= 0 and 128 <= high <= 255 and card.columns >= 64
    text = "Divide the inputs by 255." if gray else "Subtract each feature's mean and divide by its standard deviation."
    scales = card.column_scale
    unequal = f"; its features' spreads reach from {scales[0]:.2g} to {scales[2]:.2g}" if scales and not gray else ""
    return Finding(
        message=f"The input goes from {low:.4g} to {high:.4g} into {places.called(trace, layer.index)} "
        f"without being scaled{unequal}, and the network does not learn.",
        locus=Locus("input-scaling", source=places.data(trace)),
        evidence=(Evidence("root mean square of the inputs", rms, ">=", size), effect),
        remedies=(
            Remedy(
                text,
                "x",
                "x / 255" if gray else "(x - mean) / std",
                Intervention("scale-input", card.name, "standardize"),
            ),
        ),
        strength=strength_of(rms, size, decades=4),
    )
