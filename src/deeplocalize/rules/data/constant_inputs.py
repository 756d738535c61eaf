"""All examples are the same input.

What it means
Every value of the input is identical in all examples that the network was trained on. Only the targets differ.

Why it hurts
From equal inputs nothing can tell the examples apart. The best the network can do is to give the same answer to all, and
its loss stays at that of the best constant answer.

How it is recognized
The share of features that never change is `share` = 1: all of them, of every input, in at least `examples` = 8 examples.
Almost all is not enough: images have borders that are always black, word counts have columns that are always 0, and 8
or 64 examples of them may leave only a few features that vary. Eight examples that agree in all features by chance would
need data that hardly varies anyway.

How to fix it
Look at two different examples where the data is loaded. Usual reasons: an index that never moves, a division of whole
numbers that gives 0, a normalization by the wrong axis, an array that is filled and then overwritten.

When it is wrong
Training on one example again and again to see that the network can fit it is a sound check; there the target is constant
too, and nothing is reported. Neither is it if the network beats the best constant answer: then it knows more than its
inputs were seen to say.

References
Slavv: 37 reasons why your neural network is not working. https://blog.slavv.com/37-reasons-why-your-neural-network-is-not-working-4020854bd607
Karpathy: A recipe for training neural networks. https://karpathy.github.io/2019/04/25/recipe/
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.quality import learns_well
from deeplocalize.trace.cards import TargetCard
from deeplocalize.trace.schema import Trace


@rule(
    code="D102",
    severity=Severity.HIGH,
    needs=("inputs", "targets"),
    explains=(
        "dead-units",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "squared-error-on-classes",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, share: float = 1.0, examples: int = 8) -> Iterator[Finding]:
    """Find training on inputs that are all the same."""
    inputs = [card for card in trace.data.inputs if card.columns]
    if not inputs or not any(_varies(card) for card in trace.data.targets) or learns_well(trace):
        return
    constant = sum(card.constant_columns for card in inputs) / sum(card.columns for card in inputs)
    seen = min(card.examples for card in inputs)
    if constant < share or seen < examples:
        return
    yield Finding(
        message=f"All {seen} examples seen are the same input, though their targets differ.",
        locus=Locus("data", source=places.data(trace)),
        evidence=(
            Evidence("share of the input's features that never change", constant, ">=", share),
            Evidence("examples seen", seen, ">=", examples),
        ),
        remedies=(Remedy("Compare two examples where the data is loaded, and find the step that makes them equal."),),
    )


def _varies(card: TargetCard) -> bool:
    return bool(card.std)
