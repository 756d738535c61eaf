"""The output's nonlinearity does not give what the loss takes.

What it means
Every loss for classes or for yes and no expects the output in one form: raw outputs, probabilities of classes that sum
to 1 (softmax), or a probability for each unit by itself (sigmoid). Here another nonlinearity stands there: sigmoid,
ReLU or tanh where softmax belongs, or softmax where several labels can be true at once.

Why it hurts
ReLU gives 0 and numbers above 1, tanh gives negative numbers; the logarithm in the loss turns them into infinite or
clipped terms without a gradient. A bounded output before a loss that takes logits keeps the network from being sure:
over 10 classes tanh cannot bring the loss below 0.80. Sigmoids over classes do not compete, so the wrong classes are
hardly pushed down. Softmax over independent labels makes them compete: two true labels get 0.5 each.

How it is recognized
Under a loss that takes probabilities: the nonlinearity is known, and it is neither the one wanted nor missing (that is
missing-output-activation). Under a loss that takes logits, or behind a softmax or sigmoid: the nonlinearity in front
limits them. A binary answer must be free to reach `logit` = 3 on both sides, which stands for 95 % sure; over classes the
logits must be able to differ by twice that. ReLU leaves that room over classes, so it is reported only if the network
clearly does not learn, or if more units than there are classes not seen are 0 for every example. Softmax is reported
if the target rows can sum to more than 1.

How to fix it
Softmax (or raw outputs with a loss on logits) for one class out of several; sigmoid with a binary cross-entropy for
labels that are true or false each by itself.

When it is wrong
Predictions that the nonlinearity cannot give show that something follows it (a scaled tanh, for instance), and nothing
is reported; they are recorded for the first loss of a program, so the limits of further ones are not judged. Positive
functions before a cross-entropy that divides by their sum are allowed, and so is softmax with one-hot labels under a
binary cross-entropy, which trains. Sigmoid under a cross-entropy over classes can also train: if the network learns
well, the finding is weaker.

References
Goodfellow, Bengio, Courville: Deep Learning, section 6.2.2, output units. https://www.deeplearningbook.org/contents/mlp.html
Keras, probabilistic losses. https://keras.io/api/losses/probabilistic_losses/
Why binary_crossentropy and categorical_crossentropy perform differently. https://stackoverflow.com/questions/42081257
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.rules.loss import outputs, strength
from deeplocalize.signals import places
from deeplocalize.signals.output import RANGES, Output, dead_units, is_limited, lowest_loss, nonlinearities, output
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.task import Task, is_independent, labels, row_sum
from deeplocalize.trace.schema import Trace


@rule(
    code="L204",
    severity=Severity.HIGH,
    needs=("objective",),
    explains=(
        "dead-units",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, logit: float = 3.0) -> Iterator[Finding]:
    """Find nonlinearities that give something else than the loss takes."""
    for task in outputs(trace):
        found, names = output(task), nonlinearities(task)
        if found is None or not names:
            continue
        if names[-1] == "softmax" and task.loss.takes != "logits" and is_independent(task):
            yield _finding(trace, task, "softmax", "sigmoid", _several(task))
        elif task.family != "values" and found.normalizer is None:
            yield _finding(trace, task, names[-1], _wanted(task), _unlike(task))
        elif _limits(task, found, logit):
            harm = _lost_units(trace, task) if found.before == "relu" and task.family == "classes" else None
            if harm or not (found.before == "relu" and task.family == "classes" and learns_well(trace) is not False):
                yield _finding(trace, task, found.before, "linear", harm or _limited(task, found.before, logit))


def _limits(task: Task, found: Output, logit: float) -> bool:
    if task.family == "values" or found.before == "linear" or not is_limited(task):
        return False
    low, high = RANGES[found.before]
    if task.family == "binary":  # what squashes to [0, 1] is normalized-twice
        return (low > -logit or high < logit) and (low, high) != (0, 1)
    return found.before != "softmax" and (high - low < 2 * logit or found.before == "relu")


def _lost_units(trace: Trace, task: Task) -> tuple[str, Evidence] | None:
    known, lost = labels(task), dead_units(trace, task.head)
    if known is None or task.units is None or not lost > task.units - known.distinct:
        return None
    evidence = Evidence("output units that are 0 for every example", lost, ">", task.units - known.distinct)
    return "A class whose unit is 0 for every example cannot be learned", evidence


def _wanted(task: Task) -> str:
    if task.loss.takes == "log-probabilities":
        return "log_softmax"
    return "softmax" if task.family == "classes" else "sigmoid"


def _several(task: Task) -> tuple[str, Evidence]:
    evidence = Evidence("sum of a target row, where a softmax row sums to 1", row_sum(task), ">", 1)
    return "Several labels of a target row are true at once", evidence


def _unlike(task: Task) -> tuple[str, Evidence]:
    evidence = Evidence(f"times that {_wanted(task)} is applied on the way to the loss", 0, "==", 0)
    sum_to_one = " that sum to 1" if _wanted(task) == "softmax" else ""
    return f"{task.loss.name} takes {task.loss.takes}{sum_to_one}", evidence


def _limited(task: Task, name: str, logit: float) -> tuple[str, Evidence]:
    low, high = RANGES[name]
    floor = lowest_loss(task, low, high)
    if floor > 0:
        evidence = Evidence("lowest loss that this output can reach, with every answer right", floor, ">", 0)
    else:
        evidence = Evidence(f"smallest logit that {name} gives", low, ">", -logit)
    return "The logits must be free to take any value", evidence


def _finding(trace: Trace, task: Task, wrong: str, better: str, why: tuple[str, Evidence]) -> Finding:
    is_last = (nonlinearities(task) or ())[-1:] == (wrong,)
    place = (
        places.output_activation(trace, task.head) if is_last else places.output_layer(trace, task.head, "activation")
    )
    also = ", and a binary cross-entropy as the loss" if better == "sigmoid" and task.family != "binary" else ""
    intervention = Intervention("set-activation", f"layer {place.layer}", better)
    return Finding(
        message=f"{why[0]}, but the output goes through {wrong} at {places.called(trace, place.layer)}.",
        locus=Locus("activation-output", *place),
        evidence=(why[1],),
        remedies=(Remedy(f"Use {better} there{also}.", wrong, better, intervention),),
        strength=strength(trace),
    )
