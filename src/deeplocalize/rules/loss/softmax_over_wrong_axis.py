"""The softmax of the output adds up to 1 over another axis than the classes'.

What it means
A softmax makes numbers compete: along one axis they add up to 1. Here that axis is the batch (or the positions of a
sequence), so the examples compete for each class, instead of the classes for each example.

Why it hurts
The probability of an example depends on which others happen to be in its batch, and with n examples it is about 1/n: the
loss stands far above that of a constant answer, and says little. The accuracy may look good during training, but a single
example gets probability 1 for every class.

How it is recognized
The axis over which the last softmax (or log-softmax) of the output runs is read from the program as it ran. Under a
cross-entropy or a likelihood of classes it must be the axis of the classes: the second one in PyTorch, the last one in
Keras. Under a loss that compares number by number, the batch axis alone is known to be wrong, where each row of targets
adds up to 1. Nothing else is needed, and nothing is guessed where the axes were put in another order on the way to the loss.
A batch with as many examples as classes, in which no class stands more than `twice` = 2 times, is left alone: its examples
may be matched one to one, and then both axes can be asked.

Within a network, as in an attention, one mistake is certain: weights that layers made add up to 1 over the examples, each of
which has several, and an answer of its own. That is known in PyTorch, if the loss judges as many examples and batches differ.

How to fix it
Give the axis of the classes: `dim=1` (or -1 for a flat output) in PyTorch, `axis=-1` in Keras. In PyTorch a softmax without
`dim` takes the batch axis for outputs of one or three axes.

When it is wrong
In contrastive learning each of n rows is matched with one of n columns, and the softmax runs over either axis in turn: see
above. An attention over the instances of a bag has fewer answers than instances, and is not judged. Nor is a graph whose nodes
are all in one batch, the same in each step.

References
PyTorch, torch.nn.functional.softmax. https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html
Keras, Softmax layer. https://keras.io/api/layers/activation_layers/softmax/
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.rules.loss import strength
from deeplocalize.signals import places
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.task import SLACK, Task, row_sum, tasks
from deeplocalize.trace.schema import Softmax, Trace


@rule(
    code="L214",
    severity=Severity.HIGH,
    needs=("objective",),
    explains=(
        "label-encoding-mismatch",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "missing-output-activation",
        "normalized-twice",
        "saturated-units",
        "squared-error-on-classes",
        "vanishing-gradient",
        "wrong-output-activation",
    ),
)
def check(trace: Trace, *, twice: int = 2) -> Iterator[Finding]:
    """Find output softmaxes that run over another axis than the classes', else one within the network over the examples."""
    found = list(_of_outputs(trace, twice))
    inner, batches = trace.run.inner_softmax, np.unique(recorded(trace.scalar("input.digest")))
    if not found and inner is not None and inner.axis == 0 and len(batches) > 1:
        found = [_within(trace, inner)]
    yield from found


def _of_outputs(trace: Trace, twice: int) -> Iterator[Finding]:
    for task in tasks(trace):
        axis, classes = task.head.normalized_axis, _class_axis(trace, task)
        if axis is None or classes is None or axis == classes or (task.family != "classes" and axis != 0):
            continue
        if not _pairs_up(trace, task, twice):
            yield _finding(trace, task, axis, classes)


def _within(trace: Trace, softmax: Softmax) -> Finding:
    """A softmax within the network that lets the examples of a batch compete."""
    longest, axis = max((size or 0, axis) for axis, size in enumerate(softmax.shape) if axis)
    behind = f" behind {places.called(trace, softmax.after)}" if softmax.after is not None else ""
    argument = "dim" if trace.run.framework == "torch" else "axis"
    return Finding(
        message=f"The softmax{behind} within the network adds up to 1 over the examples of the batch (axis 0), not over the "
        f"{longest or 'several'} numbers of each example (axis {axis}): what an example is answered depends on the others.",
        locus=Locus("activation-hidden", softmax.after, softmax.source),
        evidence=(Evidence("axis over which the weights add up to 1 (0 is the batch)", 0, "!=", axis),),
        remedies=(Remedy("Let the softmax run over the numbers of an example", f"{argument}=0", f"{argument}={axis}"),),
        strength=strength(trace),
    )


def _class_axis(trace: Trace, task: Task) -> int | None:
    """The axis of the classes in the prediction, the batch being 0; None if there are no classes, or no batch."""
    shape = task.head.shape
    if not shape or task.units == 1:
        return None
    if task.family == "classes":
        return 1 if trace.run.framework == "torch" else len(shape)
    one_of_several = task.encoding == "one-hot" or abs(row_sum(task) - 1) < SLACK or task.encoding == "probabilities"
    return len(shape) if one_of_several else None


def _pairs_up(trace: Trace, task: Task, twice: int) -> bool:
    """True if each example of a batch is matched with one other: there are as many of them as classes."""
    sizes, majority = recorded(trace.scalar("batch_size")), recorded(trace.scalar("target.majority"))
    size = float(np.median(sizes)) if len(sizes) else trace.run.batch_size
    alike = float(np.median(majority)) * task.units if len(majority) and task.units else 0.0
    return size == task.units and alike <= twice


def _finding(trace: Trace, task: Task, axis: int, classes: int) -> Finding:
    place = places.output_activation(trace, task.head)
    over = "the examples of the batch (axis 0)" if axis == 0 else f"axis {axis}"
    size = f"{task.units} " if task.units else ""
    argument, right = ("dim", classes) if trace.run.framework == "torch" else ("axis", -1)
    return Finding(
        message=f"The softmax at {places.called(trace, place.layer)} adds up to 1 over {over}, not over the {size}classes "
        f"(axis {classes}).",
        locus=Locus("activation-output", *place),
        evidence=(Evidence("axis over which the output adds up to 1 (0 is the batch)", axis, "!=", classes),),
        remedies=(Remedy("Let the softmax run over the classes", f"{argument}={axis}", f"{argument}={right}"),),
        strength=strength(trace),
    )
