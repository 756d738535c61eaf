"""The output has another number of units than there are classes or target columns.

What it means
A network that tells C classes apart needs C output units (or one, with sigmoid, if C is 2). A network whose targets are
rows of n numbers needs n. Here the last layer has another number.

Why it hurts
Too few units cannot name all classes: the loss stops with an exception, skips the classes that have no unit, or (one
sigmoid unit under labels 0, 1, 2, ...) takes 2 for a probability and falls below 0 for ever. Units that do not match the
columns of the target are compared with the wrong column or stop the program.

How it is recognized
By the labels that were really trained on and the shape of the prediction. One unit and three or more different labels,
none negative, under a cross-entropy; labels beyond the last unit under a loss that reads class numbers, if they are more
than the units, or begin with 0 and fill more than half of the range; a prediction and a target that differ in the length
of the class axis and nothing else; several units without softmax under a binary cross-entropy whose labels are one 0 or
1 for each example.

How to fix it
Give the last layer as many units as there are classes or target columns. Over three or more classes use softmax and a
cross-entropy over classes along with it.

When it is wrong
More units than classes are never reported: a class may be absent from the data, and vocabularies are rounded up. One label
far beyond the units (255, for instance) that the loss did not refuse marks what is not labeled. Labels that merely
begin with 1 are labels-out-of-range. Whole-numbered quantities under a squared error need one unit.

References
Goodfellow, Bengio, Courville: Deep Learning, section 6.2.2, output units. https://www.deeplearningbook.org/contents/mlp.html
PyTorch, CrossEntropyLoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.fit import units_needed
from deeplocalize.signals.task import Task, labels, tasks
from deeplocalize.trace.schema import Trace


@rule(
    code="L208",
    severity=Severity.HIGH,
    needs=("objective", "targets"),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace) -> Iterator[Finding]:
    """Find outputs with another number of units than the targets call for."""
    for task in tasks(trace):
        needed = units_needed(task)
        if needed is not None and task.units is not None:
            yield _finding(trace, task, task.units, needed)


def _finding(trace: Trace, task: Task, units: int, needed: int) -> Finding:
    place = places.output_layer(trace, task.head, "units", "out_features", "filters", "out_channels")
    change = Intervention("set-units", f"layer {place.layer}", needed)
    also = ", with softmax and a cross-entropy over classes" if units == 1 and labels(task) else ""
    plural = "unit" if units == 1 else "units"
    return Finding(
        message=f"The output of {places.called(trace, place.layer)} has {units} {plural}, "
        f"but the targets {_call(task, needed)}.",
        locus=Locus("output-units", *place),
        evidence=(Evidence("output units", units, "!=", needed),),
        remedies=(Remedy(f"Give it {needed} unit{'s'[: needed != 1]}{also}.", str(units), str(needed), change),),
    )


def _call(task: Task, needed: int) -> str:
    known = labels(task)
    if known is None:
        return f"are rows of {needed} numbers"
    if needed == 1:
        return "are a single 0 or 1 for each example"
    return f"name {needed} classes, from {known.low} to {known.high}"
