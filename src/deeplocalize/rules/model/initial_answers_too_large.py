"""Products of embeddings begin far apart, and training does little but bring them back.

What it means
Before the first step a network knows nothing, so its answers should be close together. Here they begin several times as far
apart as the targets: they are products of embeddings, and these begin too large. PyTorch fills embeddings with a standard
deviation of 1, so that the product of two rows of 64 has one of 8.

Why it hurts
The loss begins far above that of a constant answer, and the random part of each answer has to be unlearned one by one. What is
seen seldom keeps it: the network answers nonsense about all that is not among its training data.

How it is recognized
All of this holds:
- All layers with weights are embeddings.
- Before the first step the answers are more than `far` = 2 times as far apart (standard deviation over the batch) as the
  targets; logits, which have no unit, more than 2. A fresh network is at 0.1 to 1.
- Harm: after 100 steps and 3,200 examples the training loss is still no better than a constant's, or on validation data neither
  loss nor accuracy ever was, and the loss is `above` = 1.1 times a constant's or more.

How to fix it
Initialize the embeddings with a standard deviation of 0.1 or less, as Keras does.

When it is wrong
A network that gets over its beginning is never accused.

References
A. Karpathy: A Recipe for Training Neural Networks ("verify loss @ init"), 2019. https://karpathy.github.io/2019/04/25/recipe/
PyTorch, Embedding: initialized from N(0, 1). https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import KERNELS, finite, in_order
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.quality import CLEAR_GAP, has_had_time, in_turns, recent_loss
from deeplocalize.signals.validation import never_better, validation_curve
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

WEIGHT, SPREAD = Series("weight", "rms"), "prediction.spread"


@rule(
    code="M512",
    severity=Severity.MEDIUM,
    needs=("steps", "loss", "baseline", "objective", "layers", WEIGHT),
    explains=(
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "network-too-small",
        "no-generalization",
        "too-few-steps",
    ),
)
def check(trace: Trace, *, far: float = 2.0, above: float = 1.1) -> Iterator[Finding]:
    """Yield one finding, for the widest embedding."""
    apart, layer = _apart(trace), _widest(trace)
    if not apart > far or layer is None or in_turns(trace) or not has_had_time(trace):
        return
    if (harm := _harm(trace, above)) is None:
        return
    size = float(finite(trace, *WEIGHT)[0, layer])
    yield Finding(
        message=f"Before the first step the answers are {apart:.3g} times as far apart as {_measure(trace)}: the weights of "
        f"{called(trace, layer)} begin with a standard deviation of {size:.2g}, and the products of its rows add up. {harm[0]}",
        locus=Locus("initializer", *argument(trace, layer, "embeddings_initializer")),
        evidence=(
            Evidence(f"spread of the first answers over {_measure(trace)}", apart, ">", far, steps=(0,)),
            harm[1],
        ),
        remedies=(
            Remedy(
                "Begin with smaller weights there, and in the other embeddings",
                f"a standard deviation of {size:.2g}",
                f"{size * math.sqrt(0.1 / apart):.1g}",
            ),
        ),
        strength=strength_of(apart, far),
        first_step=0,
    )


def _measure(trace: Trace) -> str:
    return "the targets" if trace.run.objectives[0].loss.takes == "values" else "logits of 1"


def _apart(trace: Trace) -> float:
    """How far the first answers are apart, over the targets; NaN if that is not known."""
    values, card = trace.scalar(SPREAD), trace.data.targets[:1]
    takes = trace.run.objectives[0].loss.takes
    known = takes == "logits" or (takes == "values" and bool(card) and bool(card[0].std))
    if not known or not len(values):
        return math.nan
    return float(values[0]) / (1.0 if takes == "logits" else card[0].std or math.nan)


def _widest(trace: Trace) -> int | None:
    """The widest embedding, if no other layer has weights that multiply."""
    layers = [trace.layers[int(at)] for at in in_order(trace)]
    kinds = {layer.kind for layer in layers} & {*KERNELS, "embedding"}
    embeddings = [layer for layer in layers if layer.kind == "embedding"]
    return (
        max(embeddings, key=lambda each: (each.output_shape or (0,))[-1] or 0).index if kinds == {"embedding"} else None
    )


def _harm(trace: Trace, above: float) -> tuple[str, Evidence] | None:
    """What is wrong with the network in the end, in words and as evidence; None for nothing."""
    constant, now = trace.data.baseline_loss or math.nan, recent_loss(trace).value
    if now >= (1 - CLEAR_GAP) * constant:
        text = f"The loss is {now:.4g} in the end, and {constant:.4g} for always answering the same."
        return text, Evidence("loss over the last fifth of the run", now, ">=", (1 - CLEAR_GAP) * constant)
    curve = validation_curve(trace)
    if curve is None or not curve.late.min() > above * constant or never_better(trace, curve) is None:
        return None
    late = float(curve.late.min())
    text = f"On validation data the loss is {late:.4g} in the end, and {constant:.4g} for always answering the same."
    return text, Evidence("validation loss in the end, over a constant answer's", late / constant, ">", above)
