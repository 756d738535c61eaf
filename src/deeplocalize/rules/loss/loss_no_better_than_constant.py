"""The network answers no better than a constant would.

What it means
A prediction that ignores the input altogether (the share of each class, the mean of the targets) has a certain loss.
After training, the loss of this network is not below it: nothing was learned from the inputs.

Why it hurts
Whatever the accuracy looks like, it is that of the majority guess. More epochs of the same will not help.

How it is recognized
The best constant prediction is computed from the targets really trained on: for 10 equally frequent classes its
cross-entropy is ln 10 = 2.303, for a regression its squared error is the variance of the targets. The level of the
loss over the last fifth of the run is compared with it. The rule fires if the level is not 5 % below that loss, if
the batch accuracy is not above the majority guess either, and if the loss is not falling at a pace that would pass
the baseline within ten more runs of this length. Before that the network must have had its chance:
- `min_steps` = 100 optimizer steps, if the weights travelled at least `moved` = 1 time their own size. Networks that
  can learn their task show it by the time their weights travelled between a fifth and once their size.
- `slow_steps` = 1,000 optimizer steps otherwise: a small task is then long learned at every usual pace.

How to fix it
This is a symptom. Where another rule names the cause, it is shown as part of it. Alone it points to the learning rate
if the steps are far from the usual thousandth of the weights, and otherwise to the data: look at a few inputs next to
their labels as the network gets them, and try to overfit ten examples.

When it is wrong
The task may truly be unpredictable (random labels, a coin), or so hard that its first progress takes longer than this
run. A loss with a penalty in it (weight decay in the loss) is above the baseline for that reason alone; the accuracy
guards this for classes, nothing guards it for regressions.

References
- A. Karpathy, A Recipe for Training Neural Networks: https://karpathy.github.io/2019/04/25/recipe/
"""

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.movement import distance, typical_updates
from deeplocalize.signals.quality import CLEAR_GAP, learns_well, recent_loss, steps_seen
from deeplocalize.signals.settings import USUAL_STEP, call_line, learning_rate_line
from deeplocalize.trace.schema import Trace


@rule(code="L210", severity=Severity.HIGH, needs=("steps", "loss", "baseline"))
def check(trace: Trace, *, min_steps: int = 100, slow_steps: int = 1000, moved: float = 1.0) -> Iterator[Finding]:
    """Yield one finding if the loss does not beat the best constant prediction."""
    baseline, now, steps = trace.data.baseline_loss or 0.0, recent_loss(trace).value, steps_seen(trace)
    limit = (1 - CLEAR_GAP) * baseline
    if learns_well(trace) is not False or not limit <= now < np.inf:
        return
    travelled = float(distance(trace, typical_updates(trace), np.array([steps]))[0])
    if steps < (min_steps if travelled >= moved else slow_steps):
        return
    yield Finding(
        message=f"After {steps} steps the loss is {now:.4g}, no better than the {baseline:.4g} of always answering "
        "the same: nothing is learned from the inputs.",
        locus=_locus(trace, travelled / steps),
        evidence=(Evidence("loss over the last fifth of the run", now, ">=", limit),),
        remedies=(
            Remedy("Check that labels belong to their inputs: print a few pairs as the network gets them"),
            Remedy("Try to overfit ten examples; if that fails, the fault is in the model or the loop, not the data"),
        ),
        strength=strength_of(now, limit),
    )


def _locus(trace: Trace, step: float) -> Locus:
    """The learning rate where the mean step is ten times longer or shorter than usual, else the data."""
    if USUAL_STEP / 10 < step < USUAL_STEP * 10 or np.isnan(step):
        return Locus("data", source=call_line(trace, "fit", "forward", "step"))
    return Locus("learning-rate", source=learning_rate_line(trace))
