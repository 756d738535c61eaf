"""The output's nonlinearity cannot give the values that the targets have.

What it means
The network learns quantities, and its last layer ends in a nonlinearity with a limited range: ReLU gives no negative
number, sigmoid and softmax nothing outside 0 to 1, tanh nothing outside -1 to 1. Targets lie outside that range.

Why it hurts
For every such target an error remains that no training removes. The network pushes the unit against the end of its range,
where the nonlinearity is flat: the gradient vanishes, for the reachable targets too.

How it is recognized
From a sample of the targets: the squared error that remains when each is answered by the nearest value in range, as a
share of their variance (the error of the best constant answer). At `share` = 0.05 a twentieth of what there is to learn
is out of reach for certain, which no noise and no single outlier explains; a few slightly negative measurements under
ReLU stay far below. Where no sample was recorded, the mean of all targets must be out of range.

How to fix it
Leave out the nonlinearity of the last layer. Or scale the targets into its range. If the targets are class numbers, use
a cross-entropy.

When it is wrong
Targets within the range, such as gray values from 0 to 1 under sigmoid, are fine. A nonlinearity that is scaled or shifted
afterwards is recognized by predictions that it could not give alone; these are recorded for the first loss of a program, so
further losses are not judged. Cutting off negative answers on purpose would be
accused if more than a twentieth of the variance goes with them.

References
Goodfellow, Bengio, Courville: Deep Learning, section 6.2.2.1, linear units. https://www.deeplearningbook.org/contents/mlp.html
Keras, layer activations. https://keras.io/api/layers/activations/
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.rules.loss import outputs
from deeplocalize.signals import places
from deeplocalize.signals.output import RANGES, is_limited, nonlinearities
from deeplocalize.signals.task import Task, is_independent
from deeplocalize.trace.schema import Trace


@rule(
    code="L209",
    severity=Severity.HIGH,
    needs=("objective", "targets"),
    explains=(
        "dead-units",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "saturated-units",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, share: float = 0.05) -> Iterator[Finding]:
    """Find regression outputs that cannot reach their targets."""
    for task in outputs(trace):
        names = nonlinearities(task)
        if task.family != "values" or not names or not is_limited(task):
            continue
        competing = names[-1] == "softmax" and is_independent(task)  # that is wrong-output-activation
        if not competing and (evidence := _out_of_reach(task, names[-1], share)) is not None:
            yield _finding(trace, task, names[-1], evidence)


def _out_of_reach(task: Task, name: str, share: float) -> Evidence | None:
    low, high = RANGES[name]
    if task.rows is None:
        mean = task.target.mean if task.target is not None else None
        if mean is None or low <= mean <= high:
            return None
        what = f"mean of the targets, which {name} cannot give"
        return Evidence(what, mean, ">", high) if mean > high else Evidence(what, mean, "<", low)
    targets = task.rows[np.isfinite(task.rows)]
    variance = float(targets.var()) if targets.size else 0.0
    if not variance:
        return None
    remaining = float(np.square(targets - np.clip(targets, low, high)).mean()) / variance
    if remaining <= share:
        return None
    return Evidence("least error with this output, as a share of the targets' variance", remaining, ">", share)


def _finding(trace: Trace, task: Task, name: str, evidence: Evidence) -> Finding:
    place = places.output_activation(trace, task.head)
    card = task.target
    values = (
        f"from {card.minimum:.3g} to {card.maximum:.3g}" if card and card.minimum is not None else "outside its range"
    )
    low, high = RANGES[name]
    span = f"from {low:g} up" if np.isinf(high) else f"up to {high:g}" if np.isinf(low) else f"from {low:g} to {high:g}"
    change = Intervention("set-activation", f"layer {place.layer}", "linear")
    return Finding(
        message=f"The {name} at {places.called(trace, place.layer)} gives values {span}, but the targets are {values}.",
        locus=Locus("activation-output", *place),
        evidence=(evidence,),
        remedies=(
            Remedy("Leave the nonlinearity of the last layer out.", name, "linear", change),
            Remedy(f"Scale the targets into the range of {name}."),
        ),
        strength=strength_of(evidence.observed, evidence.limit) if task.rows is not None else 1.0,
    )
