"""All labels are the same class.

What it means
A network for several classes is trained, and every label that it gets names the same one: the wrong column was read, a
filter or a comparison let only one class through, or the labels were cut off before the second class began.

Why it hurts
Always giving that one answer is perfect, so the loss falls to zero and the accuracy is 100 % within a few steps. Nothing
about the inputs is learned.

How it is recognized
All of this holds:
- Each of the labels seen is the same class, in all recorded steps. The rule wants `many` = 3,000 labels: if a class had
  one example in 1,000, fewer than 1 in 20 such runs would miss it. Of a small data set `times` = 3 times its size
  are enough, if that is `least` = 100 labels or more.
- The output can tell classes apart: it is a layer with a unit for each of several classes, or the loss is a binary
  cross-entropy, for one unit or for several questions that all have the same answer for every example.
- The labels are not constant by design: the program's own line does not make them as ones or zeros, there is one loss, one
  backward pass a step, no class weights, and no other training that takes turns with this one, as a GAN's players do.
  Where the outputs are similarities (contrastive losses, whose right answer is always at the same place), no layer has as
  many units as the loss has classes, and the rule is silent.

How to fix it
Print `np.unique(labels, return_counts=True)` right before training, and go back to the line after which only one class is
left. Split data that are sorted by class only after shuffling them, or stratified.

When it is wrong
A class with fewer than one example in a thousand can escape: then the data need it drawn more often, too. Methods that
learn from one class (anomaly detection) do so without a loss for classes.

References
Google, Rules of Machine Learning. https://developers.google.com/machine-learning/guides/rules-of-ml
scikit-learn, train_test_split (stratify). https://scikit-learn.org/stable/modules/generated/sklearn.model_selection.train_test_split.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import CannotEvaluate, rule
from deeplocalize.signals import places
from deeplocalize.signals.labels import alone, is_one_label
from deeplocalize.signals.over_time import recorded
from deeplocalize.trace.schema import Trace

MADE_CONSTANT = ("ones(", "ones_like(", "zeros(", "zeros_like(", "full(", "full_like(")
"""What makes labels that are all the same, on purpose."""


@rule(code="D107", severity=Severity.HIGH, needs=("steps", "objective", "targets"))
def check(trace: Trace, *, many: int = 3000, times: int = 3, least: int = 100) -> Iterator[Finding]:
    """Yield one finding if there is one class where several could be."""
    card = trace.data.targets[0]
    enough = max(least, min(many, times * (trace.run.examples or many)))
    questions = math.prod(size or 1 for size in card.shape) if card.encoding == "multi-hot" else 1
    label, labels = _only_label(trace), card.examples * questions
    if label is None or labels < enough or not alone(trace) or _by_design(trace):
        return
    objective = trace.run.objectives[0]
    yield Finding(
        message=f"All {labels:,} labels seen are {label}: there is nothing to tell apart.",
        locus=Locus("data", source=places.targets(trace, objective.loss)),
        evidence=(Evidence("labels seen, all of the same class", labels, ">=", enough),),
        remedies=(
            Remedy("Print np.unique(labels, return_counts=True) before training, and find where the other classes go"),
        ),
    )


def _only_label(trace: Trace) -> int | None:
    """The label that all examples have, or that all questions about them have where each is asked several; None if there are
    others."""
    card, majority = trace.data.targets[0], recorded(trace.scalar("target.majority"))
    if card.encoding == "multi-hot":
        several = len(trace.run.objectives) == 1 and trace.run.objectives[0].loss.kind == "binary-cross-entropy"
        return int(card.minimum) if several and card.minimum is not None and card.minimum == card.maximum else None
    if not len(majority):
        raise CannotEvaluate("not recorded: target.majority")
    present = [value for value, count in card.counts if count]
    only = len(present) == 1 and majority.min() == 1 and is_one_label(trace) and _tells_apart(trace)
    return int(present[0]) if only else None


def _tells_apart(trace: Trace) -> bool:
    """True if the loss reads classes from a layer that has a unit for each, or yes and no from one unit."""
    loss, head = trace.run.objectives[0].loss, trace.run.objectives[0].head
    layer = places.layer_at(trace, head.layer)
    shape = layer.output_shape if layer is not None else None
    if not shape or head.units is None or shape[-1] != head.units:
        return False
    return head.units == 1 if loss.kind == "binary-cross-entropy" else head.units >= 2


def _by_design(trace: Trace) -> bool:
    """True if the program says on the line itself that the labels are to be all the same."""
    loss = trace.run.objectives[0].loss
    lines = (places.targets(trace, loss), trace.run.sources.get("loss"), loss.source)
    return any(word in (line.text or "") for line in lines if line is not None for word in MADE_CONSTANT)
