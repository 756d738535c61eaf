"""Raw outputs are handed to a loss that takes probabilities.

What it means
The last layer has no nonlinearity, so its outputs can be any number. The loss takes probabilities between 0 and 1 (or,
for the negative log-likelihood, their logarithms, which are below 0) and does not make them itself.

Why it hurts
The loss takes the logarithm of what it is given. Keras clips values outside 0 to 1 first: where it clips, the gradient
is 0, and training stands still or wanders. PyTorch's binary cross-entropy stops with an exception, and its negative
log-likelihood falls for ever, because nothing keeps the outputs from growing.

How it is recognized
By the program: no nonlinearity stands between the last layer with parameters and a loss that takes probabilities or
log-probabilities. If predictions were recorded and all of them kept to the range that the loss takes, something unseen
normalizes them, and nothing is reported.
By the values, where the nonlinearity is not known: a prediction outside that range by more than `rounding` = 0.001,
which half-precision arithmetic cannot cause. Over several classes only values below 0 count, because a cross-entropy
on probabilities divides by their sum.

How to fix it
Either add the nonlinearity: softmax over classes, sigmoid for yes or no, log-softmax before NLLLoss. Or, numerically the
better way, leave the output raw and choose the loss that takes logits: from_logits=True in Keras, CrossEntropyLoss or
BCEWithLogitsLoss in PyTorch.

When it is wrong
A function of your own that makes probabilities is not seen as such; it is recognized by its values, once they were
recorded. Densities may have logarithms above 0, but then the loss is not one over classes. Any other nonlinearity in
the wrong place is wrong-output-activation.

References
Keras, probabilistic losses. https://keras.io/api/losses/probabilistic_losses/
PyTorch, BCELoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.BCELoss.html
PyTorch, NLLLoss. https://docs.pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.rules.loss import outputs, strength
from deeplocalize.signals import places
from deeplocalize.signals.output import Output, output
from deeplocalize.signals.task import Task
from deeplocalize.signals.wording import in_framework
from deeplocalize.trace.schema import Trace


@rule(
    code="L203",
    severity=Severity.HIGH,
    needs=("objective",),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, rounding: float = 0.001) -> Iterator[Finding]:
    """Find raw outputs under a loss that takes probabilities or their logarithms."""
    for task in outputs(trace, by_values=True):
        if task.loss.takes not in ("probabilities", "log-probabilities") or task.family not in ("classes", "binary"):
            continue
        found = output(task)
        if found == Output("linear", None) or (found is None and _outside(task, rounding)):
            yield _finding(trace, task, rounding)


def _outside(task: Task, rounding: float) -> list[Evidence]:
    """Predictions that the loss does not take."""
    low = Evidence("smallest value handed to the loss", task.low, "<", -rounding) if task.low < -rounding else None
    limit = rounding if task.loss.takes == "log-probabilities" else 1 + rounding
    high = Evidence("largest value handed to the loss", task.high, ">", limit) if task.high > limit else None
    if task.loss.takes == "log-probabilities":
        return [high] if high else []
    if task.family == "classes":
        return [low] if low else []
    return [each for each in (low, high) if each]


def _finding(trace: Trace, task: Task, rounding: float) -> Finding:
    between = "nonlinearities between the last layer and the loss"
    evidence = _outside(task, rounding) or [Evidence(between, 0, "==", 0)]
    place = places.output_layer(trace, task.head, "activation")
    values = f" ({task.low:.3g} to {task.high:.3g})" if task.seen else ""
    return Finding(
        message=f"{task.loss.name} takes {task.loss.takes}, but {places.called(trace, place.layer)} "
        f"hands it raw outputs{values}.",
        locus=Locus("activation-output", *place),
        evidence=tuple(evidence),
        remedies=_remedies(trace, task, f"layer {place.layer}"),
        strength=strength(trace),
    )


def _remedies(trace: Trace, task: Task, layer: str) -> tuple[Remedy, ...]:
    if task.loss.takes == "log-probabilities":
        name, other = "log_softmax", "CrossEntropyLoss, which takes raw outputs"
    else:
        name = "softmax" if task.family == "classes" else "sigmoid"
        kind = "over classes" if task.family == "classes" else "for yes or no"
        other = f"the loss that takes raw outputs: {in_framework(trace, 'from_logits=True', kind)}"
    add = Remedy(f"Apply {name} to the output.", "linear", name, Intervention("set-activation", layer, name))
    return (add, Remedy(f"Use {other}."))
