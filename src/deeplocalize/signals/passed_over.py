"""Batches in training from which no gradient was computed, since the model's answer to them is NaN."""

from __future__ import annotations

from deeplocalize.signals.origin import FirstNonfinite
from deeplocalize.trace.schema import PassedOver, Trace


def given_nonfinite(trace: Trace, share: float) -> PassedOver | None:
    """The batches that were passed over, if they are at least this share of all, and most were not finite themselves."""
    passed = trace.run.passed_over
    return passed if passed is not None and passed.share >= share and 2 * passed.of_inputs >= passed.batches else None


def first_in_batches_passed_over(trace: Trace, share: float) -> FirstNonfinite | None:
    """The first value that is not finite in batches that were passed over, if they are at least this share of all, and most
    were finite themselves."""
    passed = trace.run.passed_over
    if passed is None or passed.share < share or given_nonfinite(trace, share):
        return None
    where = "operation" if passed.given else "activation"
    behind = "prediction" if passed.origin is not None else "answer"
    return FirstNonfinite(0, behind if passed.layer is None else where, passed.layer, passed.share, passed_over=True)
