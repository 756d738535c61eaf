"""The output is turned into probabilities twice: by the network, and again by the loss.

What it means
Some losses take raw outputs (logits) and apply softmax or sigmoid themselves: PyTorch's CrossEntropyLoss and
BCEWithLogitsLoss, Keras' losses with from_logits=True. Here the network has already applied softmax or sigmoid.

Why it hurts
The loss reads probabilities between 0 and 1 as if they were logits, which differ by 1 at most. So even a perfect answer
is read as an unsure one, and the loss cannot come near 0: not below 1.46 for 10 classes, 0.74 for 4 classes, 0.31 for
the yes side and 0.69 for the no side of a binary answer. Gradients are small, training is slow and often stops early.

How it is recognized
By the program: softmax (or sigmoid) stands between the last layer with parameters and a loss that applies it itself, or
twice in a row. Predictions outside [0, 1] disprove it.
By the values, where the nonlinearity is not known: in `steps` = 20 recorded steps or more every prediction lay between 0
and 1, and the rows over classes summed to 1 with an error below `rounding` = 0.001. Raw outputs start on both sides of
0, so that a single step is nearly proof; 20 leave no room for chance. Half-precision softmax misses 1 by up to 0.001.

How to fix it
Remove the softmax or sigmoid and hand raw outputs to the loss (apply it only when predicting). Or keep it and choose
the loss that takes probabilities: from_logits=False in Keras, NLLLoss after log_softmax or BCELoss in PyTorch.

When it is wrong
Log-softmax before a cross-entropy on logits is harmless, since applying it twice changes nothing, and is left alone. A
scaled softmax or sigmoid is recognized by values above 1. Some programs reach a good accuracy all the same: then the
finding is weaker, but the loss they minimize is not the one they mean. Sigmoid before a loss over classes is
wrong-output-activation.

References
PyTorch, CrossEntropyLoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
PyTorch, BCEWithLogitsLoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
Keras, probabilistic losses. https://keras.io/api/losses/probabilistic_losses/
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.rules.loss import outputs, strength
from deeplocalize.signals import places
from deeplocalize.signals.output import lowest_loss, output
from deeplocalize.signals.task import Task
from deeplocalize.signals.wording import in_framework
from deeplocalize.trace.schema import Trace


@rule(
    code="L202",
    severity=Severity.HIGH,
    needs=("objective",),
    explains=("loss-no-better-than-constant", "learning-rate-too-low", "vanishing-gradient", "saturated-units"),
)
def check(trace: Trace, *, steps: int = 20, rounding: float = 0.001) -> Iterator[Finding]:
    """Find outputs that are normalized by the network and by the loss."""
    for task in outputs(trace, by_values=True):
        squasher = _by_program(task) or _by_values(task, steps, rounding)
        if squasher is not None:
            yield _finding(trace, task, squasher)


def _by_program(task: Task) -> str | None:
    found = output(task)
    if found is None or found.normalizer is None:
        return None
    twice = ("softmax",) if task.family == "classes" else ("softmax", "sigmoid", "hard_sigmoid")
    return found.before if found.before in twice else None


def _by_values(task: Task, steps: int, rounding: float) -> str | None:
    if output(task) is not None or task.loss.takes != "logits" or task.seen < steps:
        return None
    if not 0 <= task.low <= task.high <= 1:
        return None
    if task.family == "classes":
        return "softmax" if task.row_sum_error < rounding else None
    return "sigmoid"


def _finding(trace: Trace, task: Task, squasher: str) -> Finding:
    floor = lowest_loss(task, 0, 1)
    evidence = [Evidence("lowest loss that this output can reach, with every answer right", floor, ">", 0)]
    if task.seen:
        evidence.append(Evidence("largest value handed to the loss in any step", task.high, "<=", 1.001))
    logits = task.loss.takes == "logits"
    place = (
        places.output_activation(trace, task.head) if logits else places.output_layer(trace, task.head, "activation")
    )
    again = f"before {task.loss.name}, which applies it again" if logits else "and then again"
    return Finding(
        message=f"The output goes through {squasher} at {places.called(trace, place.layer)} {again}, "
        f"so the loss cannot fall below {floor:.2f}.",
        locus=Locus("activation-output", *place),
        evidence=tuple(evidence),
        remedies=_remedies(trace, squasher, place.layer, logits),
        strength=strength(trace),
    )


def _remedies(trace: Trace, squasher: str, layer: int | None, logits: bool) -> tuple[Remedy, ...]:
    text = f"Remove the {squasher} and hand the raw outputs on."
    removal = Remedy(text, squasher, "linear", Intervention("set-activation", f"layer {layer}", "linear"))
    if not logits:
        return (removal,)
    kind = "over classes" if squasher == "softmax" else "for yes or no"
    other = in_framework(trace, "from_logits=False", kind)
    return (removal, Remedy(f"Choose the loss that takes probabilities: {other}."))
