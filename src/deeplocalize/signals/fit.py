"""Whether targets, loss and number of output units fit together.

Three things can be wrong with the question itself, and each hides what comes after it: the targets are quantities and
the loss wants classes (`is_regression`), the output has another number of units than there are classes or target
columns (`units_needed`), or the loss reads the labels in another encoding than they have (`is_misread`). Only where
none of the three holds (`fits`) does it make sense to judge the nonlinearity of the output.
"""

from __future__ import annotations

from deeplocalize.signals.output import is_softmax, nonlinearities
from deeplocalize.signals.task import SLACK, Labels, Task, is_bounded, is_column, is_independent, labels, scaled_classes

ROWS = ("one-hot", "multi-hot", "probabilities")
"""Encodings with one number for each class."""

MOST_CLASSES = 100
"""A single unit whose whole-numbered targets take more different values than this answers with a quantity."""


def fits(task: Task) -> bool:
    """True if loss, targets and number of units go together."""
    return not (is_regression(task) or units_needed(task) or is_misread(task))


def is_regression(task: Task, slack: float = SLACK, most_classes: int = MOST_CLASSES) -> bool:
    """True if the targets are quantities although the loss is one for classes, or for yes and no."""
    card = task.target
    if card is None or task.family not in ("classes", "binary"):
        return False
    if card.encoding == "continuous":
        return scaled_classes(task) is None if task.loss.targets == "class-index" else not is_bounded(card, slack)
    if task.family == "binary":
        return _is_quantity(task, most_classes)
    if card.encoding != "unit-interval":
        return False
    return scaled_classes(task) is None if task.loss.targets == "class-index" else is_column(task)


def _is_quantity(task: Task, most_classes: int) -> bool:
    """Whole numbers answered by one unit, too many or too far apart to be the numbers of classes."""
    known = labels(task)
    if known is None or known.distinct <= 2 or task.units != 1 or not is_column(task):
        return False
    return known.distinct > most_classes or known.high > 2 * known.distinct


def is_single_softmax(task: Task) -> bool:
    """True if a softmax runs over one unit and the nonlinearity is what to change: with three classes the units are."""
    if task.units != 1 or not is_softmax(task) or _target_width(task) is not None:
        return False
    known = labels(task)
    return task.family == "values" or known is None or known.distinct <= 2


def units_needed(task: Task) -> int | None:
    """How many units the output should have; None if the number is right or not known."""
    known = labels(task)
    if task.units is None or task.family is None or is_regression(task) or is_single_softmax(task):
        return None
    if (width := _target_width(task)) is not None:
        return width
    if task.family == "values" or known is None:
        return None
    if task.units == 1 and known.distinct > 2 and known.low >= 0 and is_column(task):
        return known.classes
    if task.family == "binary":
        return _one_for_yes_or_no(task, known)
    beyond = task.loss.targets == "class-index" and known.high >= task.units and _names_more(task.units, known)
    one = task.units == 1 or known.low >= 0
    return known.classes if beyond and one and not is_void(task, known) else None


def _names_more(units: int, known: Labels, share: float = 0.5) -> bool:
    """True if the labels name more classes than there are units: they are more, or are numbered from 0 without large gaps
    beyond the last unit (a run that broke off at once has not seen all of them)."""
    return known.distinct > units or (known.low == 0 and known.distinct > share * known.classes)


def is_void(task: Task, known: Labels) -> bool:
    """True if one label alone lies beyond the units, and apart from them: a mark such as 255 for "not labeled"."""
    return not task.crashed and known.second < (task.units or 0) < known.high


def _one_for_yes_or_no(task: Task, known: Labels) -> int | None:
    """One, where several units without a softmax answer a single yes or no."""
    if known.distinct > 2 or is_softmax(task):
        return None
    return 1 if (task.units or 1) > 1 and task.target is not None and task.target.shape in ((), (1,)) else None


def _target_width(task: Task) -> int | None:
    """The length of the target's class axis, where output and target differ in that axis alone."""
    answer, shape = task.head.shape, task.target.shape if task.target is not None else None
    if answer is None or shape is None or len(answer) != len(shape):
        return None
    if task.loss.targets == "class-index" and (task.units != 1 or task.encoding not in ROWS):
        return None
    unlike = [(a, b) for a, b in zip(answer, shape, strict=True) if a is not None and b is not None and a != b]
    if len(unlike) != 1 or unlike[0][0] != task.units or unlike[0][1] == 1:
        return None
    return unlike[0][1]


def is_misread(task: Task) -> bool:
    """True if the loss reads the labels in another encoding than they have."""
    if task.target is None or is_regression(task) or units_needed(task) or is_single_softmax(task):
        return False
    if task.family == "classes":
        return _is_misread_as_index(task) if task.loss.targets == "class-index" else _is_misread_as_row(task)
    known = labels(task)
    if known is None or task.units is None or task.units < 2 or task.target.shape not in ((), (1,)):
        return False
    numbered = known.distinct > 2 and task.units in (known.distinct, known.high + 1)
    return task.family == "binary" or (task.family == "values" and (is_softmax(task) or numbered))


def _is_misread_as_index(task: Task) -> bool:
    if scaled_classes(task) is not None:
        return True
    card = task.target
    is_row = card is not None and card.encoding in ROWS
    return is_row and card is not None and card.shape == task.head.shape and (task.units or 0) > 1


def _is_misread_as_row(task: Task) -> bool:
    if task.loss.targets != "one-hot":
        return False
    if task.encoding in ("class-index", "binary"):
        return is_column(task)
    answered_by_softmax = task.loss.takes == "probabilities" and (nonlinearities(task) or ())[-1:] == ("softmax",)
    return is_independent(task) and not answered_by_softmax
