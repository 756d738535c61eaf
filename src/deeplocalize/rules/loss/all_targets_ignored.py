"""The loss leaves out (nearly) all labels.

What it means
Losses over classes leave out the labels that are equal to one mark, -100 unless told otherwise: padding, parts of a text that
are only read. Here nearly every label of nearly every batch carries that mark: a mask that is the wrong way round, or an answer
that was cut off because the sequences are too long.

Why it hurts
A mean over no labels is 0/0, so the loss becomes NaN and so do the weights; or it is 0, and there is nothing to learn from.

How it is recognized
In each recorded step, the share of the batch's labels that the loss leaves out is known. The rule fires if it is at least
`share` = 0.999 in the middle one of `least` = 3 or more recorded steps: masked language models leave out 85 %, and long
prompts before a short answer some 99 %. It also fires if the loss first was not finite in a recorded step without any label
that counts: one such batch is enough to ruin the weights.

How to fix it
Print the labels of one batch as the loss gets them. Turn the mask round, make the sequences long enough to keep the
answers, or leave out examples without any label.

When it is wrong
Where labels are so rare that most batches have none (a few marked pixels), training goes on with the others if the loss is
a sum; more labels in a batch would do it good all the same.

References
PyTorch, CrossEntropyLoss, ignore_index. https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
Training on completions whose labels were all masked. https://github.com/huggingface/trl/issues/6668
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals import places
from deeplocalize.signals.over_time import recorded
from deeplocalize.trace.schema import Trace


@rule(
    code="L217",
    severity=Severity.HIGH,
    needs=("objective", "target.ignored"),
    explains=(
        "dead-units",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, share: float = 0.999, least: int = 3) -> Iterator[Finding]:
    """Yield one finding if there are no labels to learn from, or a batch without any made the loss NaN."""
    ignored, loss = trace.scalar("target.ignored"), trace.run.objectives[0].loss
    seen = recorded(ignored)
    nearly_all = len(seen) >= least and float(np.median(seen)) >= share
    first = _first_lost(trace)
    ruined = first is not None and ignored[first] == 1
    if not nearly_all and not ruined:
        return
    mark = "the mark for labels to leave out" if loss.ignore_index is None else f"{loss.ignore_index}"
    where = f"in {len(seen)} recorded steps" if nearly_all else f"of step {trace.steps[first]}"
    observed = float(np.median(seen)) if nearly_all else 1.0
    shown = "All" if observed == 1 else f"{observed:.2%} of the"
    yield Finding(
        message=f"{shown} labels {where} are {mark}, which {loss.name} leaves out: there is nothing to learn from.",
        locus=Locus("label-encoding", source=places.targets(trace, loss)),
        evidence=(Evidence("share of the batch's labels that the loss leaves out", observed, ">=", share),),
        remedies=(
            Remedy("Look at the labels of one batch: the mask may be the wrong way round, or the answers cut off"),
        ),
        first_step=int(trace.steps[int(np.argmax(ignored >= share))]),
    )


def _first_lost(trace: Trace) -> int | None:
    """The place among the steps of the first loss that was not finite."""
    lost = np.flatnonzero(trace.scalar("loss.nonfinite") > 0)
    return int(lost[0]) if len(lost) else None
