"""A softmax runs over a single number.

What it means
The last layer has one unit, and its output goes through softmax (or log-softmax). Softmax divides the exponential of
each unit by their sum. With one unit it divides a number by itself: the output is 1 for every input, whatever the
weights are. The same happens within a network where the weights of an attention are made over the wrong axis.

Why it hurts
A constant has no gradient, so no weight of the network ever changes. The loss stays where it is; the accuracy is the
share of examples whose label happens to be 1. Units that happen to be dead or saturated at the start stay so. An attention
whose weights are all 1 adds its values up, and the layers that make its scores learn nothing.

How it is recognized
The nonlinearity between the last layer with parameters and the loss is softmax, and the prediction has one unit. Where
predictions were recorded, all of them must be 1 (0 for log-softmax) to within `rounding` = 0.001. A smaller one proves
that the softmax runs over another axis. Single precision misses 1 by less than 0.000001, so the limit leaves a thousand
times that.

Within a network the axis of the softmax must have length 1 while another one beside the batch's is longer, and one of two
things must prove that the longer one was meant: the scores are the output of a layer with one unit, or the weights are
multiplied, as a matrix, with values along that other axis.

How to fix it
For a yes-or-no answer use sigmoid with a binary cross-entropy. For a quantity use no nonlinearity. For three or more
classes give the layer as many units as there are classes. For an attention, let the softmax run over the positions.

When it is wrong
Softmax over positions (attention, pointers) may be given scores with one unit each: it is recognized by outputs below 1
and left alone. An attention over one position, as over a single vector of context, is meant to be so: the axis that is
summed over has length 1 as well. With three or more classes the number of units is the fault, and wrong-output-units
reports it.

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
from deeplocalize.trace.schema import Softmax, Trace


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
    tasks_of_run, within = list(tasks(trace)), trace.run.inner_softmax
    within = within if within is not None and within.axis > 0 else None  # over the examples: softmax-over-wrong-axis
    if within is None and all(task.head.activation is None for task in tasks_of_run):
        raise CannotEvaluate("the nonlinearity of the output is not known")
    found = [
        each
        for task in tasks_of_run
        if is_single_softmax(task) and fits(task)
        for each in _finding(trace, task, rounding)
    ]
    yield from found or ([_within(trace, within)] if within is not None else [])


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


def _within(trace: Trace, softmax: Softmax) -> Finding:
    """A softmax within the network."""
    sizes = [(size or 0, axis) for axis, size in enumerate(softmax.shape) if axis not in (0, softmax.axis)]
    longest, axis = max(sizes)
    argument = "dim" if trace.run.framework == "torch" else "axis"
    behind = f" behind {places.called(trace, softmax.after)}" if softmax.after is not None else ""
    return Finding(
        message=f"The softmax{behind} runs over axis {softmax.axis}, which has length 1: each of its weights is 1, whatever "
        f"the scores are, and {longest or 'all'} positions along axis {axis} are added up alike.",
        locus=Locus("activation-hidden", softmax.after, softmax.source),
        evidence=(Evidence("length of the axis that the softmax runs over", 1, "==", 1),),
        remedies=(
            Remedy("Let the softmax run over the positions", f"{argument}={softmax.axis}", f"{argument}={axis}"),
        ),
    )


def _remedy(task: Task, softmax: str, layer: str) -> Remedy:
    if task.encoding in ("class-index", "continuous") and task.family == "values":
        text = "Leave the nonlinearity out: the targets are quantities."
        return Remedy(text, softmax, "linear", Intervention("set-activation", layer, "linear"))
    text = "Use sigmoid, together with a binary cross-entropy as the loss."
    return Remedy(text, softmax, "sigmoid", Intervention("set-activation", layer, "sigmoid"))
