"""The loss reads the labels in another encoding than they have.

What it means
A class label can be written as its number (3) or as a row with a 1 in that place (0 0 0 1). A loss over classes reads
one of the two: sparse_categorical_crossentropy and PyTorch's CrossEntropyLoss the number, categorical_crossentropy the
row. A binary cross-entropy or squared error over several units reads a number for each unit. Here the labels come the
other way, or several labels of a row are true at once although the loss expects one.

Why it hurts
At best the program stops with an exception about shapes. At worst the shapes are made to fit (one number is compared
with every unit, class numbers divided by 255 are all cut down to 0), and the network learns what nobody asked for.

How it is recognized
By the targets that were really trained on, and the shape of the prediction. Numbers under a loss that reads rows; rows
of the prediction's own shape under a loss that reads numbers; one whole number for each example under a loss over
several units that reads one for each (for a squared error only if there is a unit for each class, or a softmax); rows
that sum to more than 1 under a cross-entropy over classes. Class numbers that were scaled are recognized in a sample of
at least 2 targets for each distinct value: 3 values or more that lie on an even grid with no more places than the output
has units. A measured quantity has many more values than that.

How to fix it
Change whichever is one word in the program: mostly the loss (sparse_categorical_crossentropy instead of
categorical_crossentropy, or the reverse), otherwise the line that encodes the labels.

When it is wrong
Soft labels, whose rows sum to 1, fit a loss that reads rows and are left alone; so are rows of zeros that pad or mask.
Labels for each position of a sequence or an image are told from rows by their shape. Several units that answer the same
whole-numbered quantity on purpose, exactly as many as it has values, would be accused.

References
Keras, probabilistic losses. https://keras.io/api/losses/probabilistic_losses/
PyTorch, CrossEntropyLoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.fit import is_misread
from deeplocalize.signals.output import is_softmax
from deeplocalize.signals.task import Task, is_independent, row_sum, scaled_classes, tasks
from deeplocalize.signals.wording import in_framework
from deeplocalize.trace.schema import Trace

_PAIRS = {
    "sparse_categorical_crossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "CategoricalCrossentropy",
}
_COUNTERPARTS = _PAIRS | {row: number for number, row in _PAIRS.items()}


class _Misreading(NamedTuple):
    message: str
    evidence: Evidence
    text: str
    before: str
    after: str
    in_loss: bool  # else the labels are changed


@rule(
    code="L205",
    severity=Severity.HIGH,
    needs=("objective", "targets"),
    explains=("learning-rate-too-low", "loss-no-better-than-constant", "vanishing-gradient", "weights-never-change"),
)
def check(trace: Trace) -> Iterator[Finding]:
    """Find labels in another encoding than the loss reads."""
    for task in tasks(trace):
        if is_misread(task):
            yield _finding(trace, task, _misreading(task))


def _finding(trace: Trace, task: Task, found: _Misreading) -> Finding:
    change = Intervention("set-loss", f"objective {task.index}", found.after) if found.in_loss else None
    after = in_framework(trace, found.after)
    line = places.loss_line(trace, task.loss) if found.in_loss else places.targets(trace, task.loss)
    return Finding(
        message=found.message,
        locus=Locus("loss" if found.in_loss else "label-encoding", source=line),
        evidence=(found.evidence,),
        remedies=(Remedy(found.text.replace(found.after, after), found.before, after, change),),
    )


def _misreading(task: Task) -> _Misreading:
    if (classes := scaled_classes(task)) is not None:
        return _scaled(task, classes)
    if task.family == "classes" and is_independent(task):
        return _several_at_once(task)
    if task.family == "classes" and task.loss.targets == "class-index":
        return _row_for_number(task)
    return _one_unit(task) if task.units == 1 else _number_for_row(task)


def _scaled(task: Task, classes: int) -> _Misreading:
    highest = f"{task.target.maximum or 0:.3g}" if task.target is not None else "?"
    message = f"{task.loss.name} reads class numbers, but the labels were scaled: the highest is {highest}."
    evidence = Evidence("places of the labels on an even grid", classes, "<=", task.units or 0)
    text = "Leave the labels out of the scaling and give them as whole numbers from 0."
    return _Misreading(message, evidence, text, f"labels up to {highest}", f"labels 0 to {classes - 1}", False)


def _several_at_once(task: Task) -> _Misreading:
    message = f"{task.loss.name} expects one true label in each row, but several are true at once."
    evidence = Evidence("sum of a target row, where one true label sums to 1", row_sum(task), ">", 1)
    other = "binary_crossentropy"
    return _Misreading(message, evidence, f"Use {other}, which judges each label alone.", task.loss.name, other, True)


def _row_for_number(task: Task) -> _Misreading:
    message = f"{task.loss.name} reads one class number an example, but each label is a row of {task.units} numbers."
    evidence = Evidence("numbers in each label", task.units or 0, ">", 1)
    other = "binary_crossentropy" if task.encoding == "multi-hot" else _COUNTERPARTS.get(task.loss.name)
    if other is None:
        text = "Give the class numbers: argmax over each row."
        return _Misreading(message, evidence, text, "rows", "class numbers", False)
    return _Misreading(message, evidence, f"Use {other}.", task.loss.name, other, True)


def _number_for_row(task: Task) -> _Misreading:
    message = f"{task.loss.name} reads a number for each of the {task.units} units, but each label is a single number."
    evidence = Evidence(f"numbers in each label, for {task.units} units", 1, "<=", task.units or 1)
    other = _loss_on_numbers(task)
    if other is None and task.family == "classes":
        text = "Give the class numbers as integers: the loss takes floating-point labels for rows of probabilities."
        return _Misreading(message, evidence, text, "labels", "labels.long()", False)
    if other is None:
        text = "Encode the labels as rows with a 1 in the place of the class."
        return _Misreading(message, evidence, text, "class numbers", "one-hot rows", False)
    return _Misreading(message, evidence, f"Use {other}.", task.loss.name, other, True)


def _one_unit(task: Task) -> _Misreading:
    message = f"{task.loss.name} compares the units of several classes, but the output has one, for yes or no."
    evidence = Evidence("output units", 1, "<", 2)
    return _Misreading(message, evidence, "Use binary_crossentropy.", task.loss.name, "binary_crossentropy", True)


def _loss_on_numbers(task: Task) -> str | None:
    if task.family == "classes":
        return _COUNTERPARTS.get(task.loss.name)
    return "sparse_categorical_crossentropy" if is_softmax(task) else None
