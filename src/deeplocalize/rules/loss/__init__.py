"""What is minimized, and whether the output and the labels fit it."""

from __future__ import annotations

from deeplocalize.rules import CannotEvaluate
from deeplocalize.signals.fit import fits, is_single_softmax
from deeplocalize.signals.output import output
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.task import Task, tasks
from deeplocalize.trace.schema import Trace

CERTAIN = 1.0
"""Strength of a finding that stands in the program itself."""

HARMLESS_SO_FAR = 0.6
"""Strength of such a finding where the network learns well all the same."""


def outputs(trace: Trace, *, by_values: bool = False) -> list[Task]:
    """The objectives whose output can be judged: known, and with a loss and a number of units that fit the targets.

    Args:
        trace: the run.
        by_values: the values that the loss was given are enough to judge by, where the nonlinearity is not known.

    Raises:
        CannotEvaluate: there is no such objective, for want of knowledge.
    """
    known = [task for task in tasks(trace) if task.loss.takes and (output(task) or (by_values and task.seen))]
    if not known:
        raise CannotEvaluate("what the loss reads from the output, or the output's nonlinearity, is not known")
    return [task for task in known if fits(task) and not is_single_softmax(task)]


def strength(trace: Trace) -> float:
    """The strength of a finding that can be read off the program."""
    return HARMLESS_SO_FAR if learns_well(trace) else CERTAIN
