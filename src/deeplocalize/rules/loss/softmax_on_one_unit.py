"""A softmax runs over a single output unit.

What it means
The last layer has one unit, and its output goes through softmax (or log-softmax). Softmax divides the exponential of
each unit by their sum. With one unit it divides a number by itself: the output is 1 for every input, whatever the
weights are.

Why it hurts
A constant has no gradient, so no weight of the network ever changes. The loss stays where it is; the accuracy is the
share of examples whose label happens to be 1. Units that happen to be dead or saturated at the start stay so.

How it is recognized
The nonlinearity between the last layer with parameters and the loss is softmax, and the prediction has one unit. Where
predictions were recorded, all of them must be 1 (0 for log-softmax) to within `rounding` = 0.001. A smaller one proves
that the softmax runs over another axis. Single precision misses 1 by less than 0.000001, so the limit leaves a thousand
times that.

How to fix it
For a yes-or-no answer use sigmoid with a binary cross-entropy. For a quantity use no nonlinearity. For three or more
classes give the layer as many units as there are classes.

When it is wrong
Softmax over positions (attention, pointers) may be given scores with one unit each: it is recognized by outputs below 1
and left alone. With three or more classes the number of units is the fault, and wrong-output-units reports it.

References
Goodfellow, Bengio, Courville: Deep Learning, section 6.2.2, output units. https://www.deeplearningbook.org/contents/mlp.html
Wardat, Le, Rajan: DeepLocalize, ICSE 2021. https://arxiv.org/abs/2103.03376
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import CannotEvaluate, rule
from deeplocalize.signals import places
from deeplocalize.signals.fit import fits, is_single_softmax
from deeplocalize.signals.output import nonlinearities
from deeplocalize.signals.task import Task, tasks
from deeplocalize.trace.schema import Trace


@rule(
    code="L201",
    severity=Severity.HIGH,
    needs=("objective",),
    explains=(
        "dead-units",
        "loss-no-better-than-constant",
        "learning-rate-too-low",
        "saturated-units",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, rounding: float = 0.001) -> Iterator[Finding]:
    """Find softmax over one unit."""
    found = list(tasks(trace))
    if all(task.head.activation is None for task in found):
        raise CannotEvaluate("the nonlinearity of the output is not known")
    for task in found:
        if is_single_softmax(task) and fits(task):
            yield from _finding(trace, task, rounding)


def _finding(trace: Trace, task: Task, rounding: float) -> Iterator[Finding]:
    softmax = (nonlinearities(task) or ("softmax",))[-1]
    constant = 1 if softmax == "softmax" else 0
    evidence = [Evidence("units that the softmax runs over", 1, "==", 1)]
    if task.seen:
        if not constant - rounding <= task.low <= task.high <= constant + rounding:
            return
        evidence.append(Evidence("smallest output in any step", task.low, ">=", constant - rounding))
    place = places.output_activation(trace, task.head)
    yield Finding(
        message=f"The {softmax} at {places.called(trace, place.layer)} runs over a single unit, "
        f"so the output is {constant} for every input and nothing can be learned.",
        locus=Locus("activation-output", *place),
        evidence=tuple(evidence),
        remedies=(_remedy(task, softmax, f"layer {place.layer}"),),
    )


def _remedy(task: Task, softmax: str, layer: str) -> Remedy:
    if task.encoding in ("class-index", "continuous") and task.family == "values":
        text = "Leave the nonlinearity out: the targets are quantities."
        return Remedy(text, softmax, "linear", Intervention("set-activation", layer, "linear"))
    text = "Use sigmoid, together with a binary cross-entropy as the loss."
    return Remedy(text, softmax, "sigmoid", Intervention("set-activation", layer, "sigmoid"))
