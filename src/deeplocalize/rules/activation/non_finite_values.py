"""A value is NaN or infinite, and spoils the training.

What it means
Somewhere a number overflowed, or an operation had no answer: the logarithm of 0, a division by 0, the root of a negative
number. From there NaN spreads into everything computed from it, and with the next step into all weights, which stay NaN.

Why it hurts
Nothing that happens afterwards can be used. A program that passes over batches whose loss is NaN does not learn from them.

How it is recognized
The rule looks for the first step in which the loss, a weight or an update is not finite, and then for the first such value
in that step: the input; layer by layer in the order of the forward pass the weights and the output; the loss; from the
last layer back the gradient; the update. Where it began decides where the fix goes. Counts are exact, so the limit is
`most` = 0: one value is enough. In PyTorch it also fires if the answer was NaN in at least `share` = 0.1 of the batches, and
the program passed over these.

How to fix it
Where the weights grew first, another rule names the learning rate or the initializer. Otherwise keep the operation away
from its edge: add a small number under logarithms, roots and fractions, use the loss that takes logits, limit exponents.

When it is wrong
Infinities that stay without consequence are left alone, such as those of an attention mask, and so is a step that mixed
precision skipped because the gradient overflowed: loss and weights stay finite. If the run goes on with finite values
afterwards, the finding is weaker. Batches are not counted as passed over where gradients are those of several passes: one may
be masked.

References
PyTorch, automatic mixed precision, gradient scaling. https://docs.pytorch.org/docs/stable/notes/amp_examples.html
"Name the first module that produced NaN". https://github.com/pytorch/pytorch/issues/182156
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.origin import CURES, FirstNonfinite, first_nonfinite, is_within, operation_of, recovered
from deeplocalize.signals.over_depth import weight_layers
from deeplocalize.signals.passed_over import first_in_batches_passed_over
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.settings import call_line, learning_rate_line
from deeplocalize.trace.schema import Source, Trace

_GUARD = "Add a small number under logarithms, roots and fractions, and limit exponents"

_SAYINGS = {
    "input": ("the input holds NaN or infinity", "Remove or fill missing and infinite values before training"),
    "target": ("the targets hold NaN or infinity", "Remove or fill missing and infinite targets before training"),
    "weight": ("a weight of {} is NaN or infinite", "Lower the learning rate, or clip the gradient"),
    "operation": ("what {} is given is NaN or infinite, but nothing before it", _GUARD),
    "activation": ("the output of {} is NaN or infinite, but nothing before it", _GUARD),
    "prediction": ("what the loss is given is NaN or infinite, but no layer's output", _GUARD),
    "answer": ("where that begins is not known", _GUARD),
    "loss": (
        "the loss is NaN or infinite, but not the prediction",
        "Use the loss that takes logits, or keep its argument away from 0, as in log(x + 1e-7)",
    ),
    "gradient": (
        "the gradient at {} is NaN or infinite, but not the loss",
        _GUARD + "; the gradient of a root or a norm is infinite at 0",
    ),
    "update": ("the update of {} is NaN or infinite, but not the gradient", "Lower the learning rate"),
}
"""By role: what happened, and what to do."""


@rule(
    code="A703",
    severity=Severity.HIGH,
    needs=("steps",),
    explains=("loss-diverges", "loss-no-better-than-constant", "weights-never-change"),
)
def check(trace: Trace, *, most: int = 0, share: float = 0.1) -> Iterator[Finding]:
    """Yield one finding for the first value that is not finite."""
    found = first_nonfinite(trace, most)
    if found is None:
        yield from _passed_over(trace, share)
        return
    what = f"NaN and infinite values in the {found.role}"
    yield Finding(
        message=f"In step {found.step} {_saying(trace, found)}: there the trouble begins.",
        locus=_locus(trace, found),
        evidence=(Evidence(what, found.amount, ">", most, found.series, (found.step,)),),
        remedies=(Remedy(_cure(trace, found)),),
        strength=0.5 if recovered(trace, found.step) else 1.0,
        first_step=found.step,
    )


def _passed_over(trace: Trace, share: float) -> Iterator[Finding]:
    if (found := first_in_batches_passed_over(trace, share)) is None:
        return
    yield Finding(
        message=f"The program passes over {found.amount:.0%} of its batches, since the model answers NaN: "
        f"{_saying(trace, found)}.",
        locus=_locus(trace, found),
        evidence=(Evidence("share of the batches without a gradient, whose answer is NaN", found.amount, ">=", share),),
        remedies=(Remedy(_cure(trace, found)),),
        strength=1.0 if found.amount >= 0.5 else 0.5,
    )


def _saying(trace: Trace, found: FirstNonfinite) -> str:
    operation = operation_of(trace, found)
    if operation is None:
        return _SAYINGS[found.role][0].format(called(trace, found.layer))
    within, after = is_within(trace, found), operation.after
    place = (
        f" in {called(trace, found.layer)}"
        if within
        else f" behind {called(trace, after)}"
        if after is not None
        else ""
    )
    gives = "has a slope that is NaN or infinite" if found.role in ("gradient", "weight") else "gives NaN or infinity"
    return f"the operation {operation.operation}{place} {gives}"


def _cure(trace: Trace, found: FirstNonfinite) -> str:
    operation = operation_of(trace, found)
    role = "gradient" if operation is not None and found.role == "weight" else found.role
    return CURES.get(operation.operation if operation is not None else "", _SAYINGS[role][1])


def _locus(trace: Trace, found: FirstNonfinite) -> Locus:
    layer, layers, operation = found.layer, weight_layers(trace), operation_of(trace, found)
    last = int(layers[-1]) if len(layers) else None
    if found.role in ("input", "target", "answer"):
        kind = "activation-hidden" if found.role == "answer" else "data"
        return Locus(kind, source=call_line(trace, "fit", "forward", "step"))
    if found.role == "weight" and found.step == 0:
        return Locus("initializer", *argument(trace, layer, "kernel_initializer", "initializer"))
    if found.role == "update" or (found.role == "weight" and operation is None):
        return Locus("learning-rate", source=learning_rate_line(trace))
    if found.role in ("loss", "weight") or (found.role == "gradient" and layer == last):
        return Locus("loss", source=operation.source if operation else _loss_line(trace))
    if operation is not None:
        kind = "activation-output" if found.role == "prediction" else "activation-hidden"
        return Locus(kind, found.layer if is_within(trace, found) else operation.after, operation.source)
    if found.role == "prediction":
        return Locus("activation-output", *argument(trace, last, "activation"))
    kind = "activation-output" if layer == last and found.role != "operation" else "activation-hidden"
    return Locus(kind, *argument(trace, layer, "activation"))


def _loss_line(trace: Trace) -> Source | None:
    named = [objective.loss.source for objective in trace.run.objectives if objective.loss.source]
    return named[0] if named else call_line(trace, "loss", "compile", "backward")
