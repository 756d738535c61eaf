"""What the network learns from its training data says nothing about any other.

What it means
The training loss falls far below that of a constant answer, and on validation data the network was never better than that
constant, from the first evaluation to the last: it learns its examples by heart. Most often inputs and labels do not belong
together: one of them was shuffled, sorted or filtered without the other. Or the validation data are prepared in another way
than the training data, or the inputs do not tell what is asked.

Why it hurts
The training loss looks like success, and the network is worth less than a constant.

How it is recognized
By the validation loss, of which there must be six values or more. All of this holds:
- On the training data the loss in the end is less than `learned` = 0.95 of a constant answer's.
- On validation data it was never more than 2 % below a constant's, the median of three in a row; it is no lower in the end than
  at the first evaluation, and more than `above` = 1.03 times a constant's. Networks that overfit were better for a while.
- For classes there must be an accuracy on validation data, and in most evaluations, and in the end, it was not clearly better
  than naming the most frequent class: by a tenth of the errors of that, and by more than small numbers explain. A network that grows too sure of itself
  loses more and more on data that it answers well. Without an accuracy, quantities alone are judged.

How to fix it
Print some examples as the loss is given them, and look whether inputs and labels belong together. Shuffle both in the same order.
Prepare validation data with the same steps, and the same numbers, as training data.

When it is wrong
Data that cannot be told from their inputs, such as labels that are noise on purpose, are learned by heart as well. Where the
targets of the validation data spread much more than those trained on, a constant's loss there is higher than it is taken for.

References
C. Zhang et al.: Understanding deep learning requires rethinking generalization, 2017. https://arxiv.org/abs/1611.03530
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.quality import CLEAR_GAP, in_turns, ranks_elsewhere, recent_loss
from deeplocalize.signals.settings import call_line
from deeplocalize.signals.validation import never_better, validation_curve
from deeplocalize.trace.schema import Trace


@rule(
    code="V804",
    severity=Severity.HIGH,
    needs=("steps", "loss", "baseline", "validation.loss"),
    explains=("learning-rate-decays-too-soon",),
)
def check(trace: Trace, *, learned: float = 0.95, above: float = 1.03) -> Iterator[Finding]:
    """Yield one finding if the training loss is low and the validation loss never was."""
    curve, constant, now = validation_curve(trace), trace.data.baseline_loss, recent_loss(trace).value
    if curve is None or not constant or in_turns(trace) or ranks_elsewhere(trace):
        return
    late = float(curve.late.min())
    if not now < learned * constant or not late > above * constant:
        return
    if late < (1 - CLEAR_GAP) * curve.values[0] or (answers := never_better(trace, curve)) is None:
        return
    accuracy = "accuracy on validation data, mostly"
    yield Finding(
        message=f"The training loss went down to {now:.4g}, but on data the network is not trained on it is {late:.4g} and never "
        f"was clearly better than the {constant:.4g} of always answering the same: what is learned says nothing about other data.",
        locus=Locus("data", source=call_line(trace, "fit", "forward", "step")),
        evidence=(
            Evidence("training loss in the end, over a constant answer's", now / constant, "<", learned),
            Evidence("validation loss in the end, over a constant answer's", late / constant, ">", above),
            *([] if math.isnan(answers.usual) else [Evidence(accuracy, answers.usual, "<=", answers.limit)]),
        ),
        remedies=(
            Remedy(
                "Look at some inputs beside their labels: do they belong together? Shuffle both in the same order",
                after="order = rng.permutation(len(x)); x, y = x[order], y[order]",
            ),
            Remedy("Prepare the validation data with the same steps and numbers as the training data"),
        ),
        strength=strength_of(late, above * constant),
    )
