"""Gradient clipping leaves nothing of the gradient.

What it means
The limit that gradients are clipped to is far below the gradients that this network has, so that in nearly every step
clipping divides them by a hundred or more. It was meant to catch the rare one that is too large.

Why it hurts
Plain SGD, with momentum or without, steps by the learning rate times the gradient. What clipping takes away from the one is
missing from the other: the weights stay almost where they began.

How it is recognized
All of this holds:
- In more than `share` = 0.9 of the recorded steps clipping multiplied the gradient by less than `left` = 0.02.
- The optimizer is SGD. Adam and its kin divide by the gradient's size, and clipping that is always at work does them no harm.
- The whole run's path of the weights (the RMS of each update over the RMS of the weights, the median over the layers, summed
  over all steps) is below `short` = 0.1; networks show that they learn when it is between a fifth and once their size.
- The path would have been long enough without clipping: above twice `short`. Else the learning rate is to blame.
- After at least `least` = 20 steps the network does not learn well; or it does no better than it did at the start, which
  may have been a lucky one.

How to fix it
Clip to the size that gradients usually have, such as 1 for the norm of all of them, or not at all.

When it is wrong
Where the gradient is huge because inputs, targets or a summed loss are, a small limit and a fitting learning rate may learn
well: such a run is not accused. Private training clips hard on purpose, with a learning rate to match.

References
PyTorch, clip_grad_norm_. https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
Keras, optimizers: clipnorm, clipvalue, global_clipnorm. https://keras.io/api/optimizers/
R. Pascanu et al., On the difficulty of training recurrent neural networks. https://arxiv.org/abs/1211.5063
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.clipping import factors
from deeplocalize.signals.movement import distance, typical_updates
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import learns_well, recent_loss, start_loss, steps_seen
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Source, Trace

UPDATE = Series("weight_update", "rms")
ARGUMENTS = ("global_clipnorm", "clipnorm", "clipvalue")


@rule(
    code="O312",
    severity=Severity.HIGH,
    needs=("steps", "optimizer", Series("weight", "rms"), UPDATE),
    explains=(
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "too-few-steps",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(
    trace: Trace, *, share: float = 0.9, left: float = 0.02, short: float = 0.1, least: int = 20
) -> Iterator[Finding]:
    """Yield one finding if clipping kept the weights where they were."""
    clipped, steps = recorded(factors(trace)), steps_seen(trace)
    if any(each.kind != "sgd" for each in trace.run.optimizers) or len(clipped) < least:
        return
    if learns_well(trace) and recent_loss(trace).below(start_loss(trace)):
        return
    often, typical = float((clipped < left).mean()), float(np.median(clipped))
    path = float(distance(trace, typical_updates(trace), np.array([steps]))[0])
    if not (often > share and path < short and (typical == 0 or path / typical > 2 * short)):
        return
    yield Finding(
        message=f"Clipping leaves {typical:.2g} of the gradient in a typical step, and clips in {often:.0%} of them: in "
        f"{steps} steps the weights travelled only {path:.2g} of their own size.",
        locus=Locus("optimizer", source=_line(trace)),
        evidence=(
            Evidence(f"share of steps in which clipping left less than {left:g} of the gradient", often, ">", share),
            Evidence("path of the weights, over their size", path, "<", short, UPDATE),
        ),
        remedies=(Remedy(f"Raise the limit that gradients are clipped to, about {1 / max(typical, 1e-9):,.0f} times"),),
        strength=strength_of(typical, left),
    )


def _line(trace: Trace) -> Source | None:
    """The line that clips: the call, or the optimizer's argument."""
    optimizer = trace.run.optimizers[0]
    argument = next((optimizer.sources[name] for name in ARGUMENTS if name in optimizer.sources), None)
    return call_line(trace, "clip") or argument or optimizer.source or call_line(trace, "compile", "step")
