"""The training data holds NaN or infinite values.

What it means
Some numbers in the inputs or targets are not numbers: missing values that were read as NaN, a division by 0, the logarithm
of 0.

Why it hurts
NaN spreads: one in a batch makes the loss NaN, the gradients NaN, and after one optimizer step every weight. Nothing that
is computed afterwards means anything.

How it is recognized
At least `count` = 1 value of the inputs or the targets is NaN or infinite, since one is enough to ruin all weights, and
the harm is seen: the loss, the predictions or the weights became non-finite in the same step or later, or the run ended
with an exception. If they were non-finite before the data, the data was made by the network, and the cause lies elsewhere.
A program that passes over each batch whose loss is NaN ruins nothing, but learns nothing from those either: in PyTorch the
rule also fires if at least `share` = 0.1 of the batches were passed over, and most of them were given such inputs.

How to fix it
Fill in or leave out what is missing, before the data reaches the network, and check with isfinite. Where 0 is divided by 0
(a constant feature scaled by its standard deviation of 0), leave the feature out.

When it is wrong
Missing values that the program itself masks or replaces do no harm and are not reported, nor are infinite entries in
attention masks: the loss stays finite. A batch that is passed over now and then is left alone.

References
NaN loss when training a regression network. https://stackoverflow.com/questions/37232782
pandas, working with missing data. https://pandas.pydata.org/docs/user_guide/missing_data.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.passed_over import given_nonfinite
from deeplocalize.trace.schema import FloatArray, IntArray, Trace

_FILL = "Fill in or leave out the missing {} values before training, and check with isfinite."


@rule(
    code="D103",
    severity=Severity.HIGH,
    needs=("inputs",),
    explains=(
        "dead-units",
        "exploding-gradient",
        "inputs-not-scaled",
        "learning-rate-too-high",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "squared-error-on-classes",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, count: int = 1, share: float = 0.1) -> Iterator[Finding]:
    """Find NaN and infinity in inputs and targets that reached the loss or the weights, or kept batches from being used."""
    harmed = _first_harm(trace)
    if harmed is None:
        yield from _passed_over(trace, share)
        return
    for what, counted in (
        ("input", sum(card.nonfinite for card in trace.data.inputs)),
        ("target", sum(card.nonfinite for card in trace.data.targets)),
    ):
        per_step = trace.scalar(f"{what}.nonfinite")
        first = _first(trace.steps, per_step)
        total = max(counted, int(np.nansum(per_step)))
        if total >= count and (first is None or first <= harmed):
            yield _finding(trace, what, total, first, count)


def _first(steps: IntArray, values: FloatArray) -> int | None:
    """The first step in which a value is above 0."""
    at = np.flatnonzero(values > 0)
    return int(steps[at[0]]) if len(at) else None


def _first_harm(trace: Trace) -> int | None:
    found = [_first(trace.steps, trace.scalar(name)) for name in ("loss.nonfinite", "prediction.nonfinite")]
    weights = trace.series("weight", "nonfinite")
    found.append(_first(trace.sampled, np.nansum(weights, axis=1)))
    if trace.run.crash is not None and trace.run.crash.during in ("forward", "loss"):
        found.append(int(trace.steps[-1]) + 1 if len(trace.steps) else 0)
    return min((step for step in found if step is not None), default=None)


def _passed_over(trace: Trace, share: float) -> Iterator[Finding]:
    passed = given_nonfinite(trace, share)
    if passed is None:
        return
    yield Finding(
        message=f"The program passes over {passed.share:.0%} of its batches: their inputs hold NaN or infinity, and so the "
        "model's answer is NaN.",
        locus=Locus("data", source=places.data(trace)),
        evidence=(
            Evidence("share of the batches without a gradient, whose answer is NaN", passed.share, ">=", share),
            Evidence("share of these that were given NaN or infinity", passed.of_inputs / passed.batches, ">=", 0.5),
        ),
        remedies=(Remedy(_FILL.format("input")),),
    )


def _finding(trace: Trace, what: str, total: int, first: int | None, count: int) -> Finding:
    source = places.data(trace)
    since = f" from step {first} on" if first is not None else ""
    steps = (first,) if first is not None else ()
    return Finding(
        message=f"The {what}s hold {total} values that are NaN or infinite{since}, and they reached what is trained.",
        locus=Locus("data", source=source),
        evidence=(Evidence(f"{what} values that are NaN or infinite", total, ">=", count, steps=steps),),
        remedies=(Remedy(_FILL.format(what)),),
        first_step=first,
    )
