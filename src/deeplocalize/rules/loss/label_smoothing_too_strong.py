"""Label smoothing is so strong that the targets hardly tell the classes apart.

What it means
Label smoothing by e asks for the probability 1 - e of the true class, and shares e out evenly among all of them. Near 1 the
targets are nearly the same for every example; and where yes and no are smoothed, nothing is left at 1.

Why it hurts
What is left to learn is the small difference between the true class and the others. The best answer is nearly a constant,
so the loss hardly falls and the noise of the batches is stronger than what they teach.

How it is recognized
The smoothing is read from the loss. Smoothed by e, the target of the true class among K is 1 - e + e/K, and that of every
other e/K; of yes it is 1 - e/2, of no e/2. The fault is there if the true class is asked to have less than `least` = 0.25 more
than any other (usual smoothing, 0.1, leaves 0.9, and 0.5 is about the most that is ever used), which is a smoothing above
0.75. Above 1 the targets would be turned round.

How to fix it
Use 0.1, or none. Perhaps 0.9 was meant as the probability of the true class; then the smoothing is 0.1.

When it is wrong
A teacher may be trained with flat targets on purpose, to see what the softness does. If the network answers as well as it can
all the same, as an easy task lets it, the finding is weaker.

References
C. Szegedy et al.: Rethinking the Inception Architecture for Computer Vision, 2015. https://arxiv.org/abs/1512.00567
R. Müller, S. Kornblith, G. Hinton: When Does Label Smoothing Help?, 2019. https://arxiv.org/abs/1906.02629
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.rules.loss import strength
from deeplocalize.signals.places import loss_line
from deeplocalize.signals.task import Task, tasks
from deeplocalize.trace.schema import Trace

USUAL = 0.1


@rule(
    code="L216",
    severity=Severity.HIGH,
    needs=("objective",),
    explains=(
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "too-few-steps",
        "vanishing-gradient",
    ),
)
def check(trace: Trace, *, least: float = 0.25) -> Iterator[Finding]:
    """Find losses whose smoothed targets of the true class and of the others are too near to each other."""
    for task in tasks(trace):
        smoothing = task.loss.label_smoothing
        apart = 1 - smoothing
        if smoothing > 0 and apart < least:
            yield _finding(trace, task, smoothing, apart, least)


def _finding(trace: Trace, task: Task, smoothing: float, apart: float, least: float) -> Finding:
    classes = 2 if task.family == "binary" else task.units or 2
    others = smoothing / classes
    what = ("yes", "no") if task.family == "binary" else ("the true class", "every other")
    change = Intervention("set-label-smoothing", "loss", USUAL)
    return Finding(
        message=f"Label smoothing of {smoothing:g} asks for {apart + others:.3g} for {what[0]} and {others:.3g} for {what[1]}: "
        "the targets hardly say which is right.",
        locus=Locus("loss", source=loss_line(trace, task.loss)),
        evidence=(Evidence(f"smoothed target of {what[0]} minus that of {what[1]}", apart, "<", least),),
        remedies=(
            Remedy("Smooth the labels less", f"label_smoothing={smoothing:g}", f"label_smoothing={USUAL}", change),
        ),
        strength=strength(trace),
    )
