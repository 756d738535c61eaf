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
the baseline within three more runs of this length. Before that the network must have had its chance:
- `min_steps` = 100 optimizer steps (and 3,200 examples), if the path of the weights is at least `moved` = 1 time as long
  as they are large. Networks that can learn their task show it when that path is between a fifth and once that length.
- `slow_steps` = 1,000 optimizer steps otherwise: a small task is then long learned at every usual pace.
- Or a training that came to its end, on inputs that say something: the five nearest neighbors among the rows trained on, or
  least squares, remove for sure `plain` = 0.2 more of the constant answer's error than the network does.
Alone it points to one of four places: the scale of the targets, if a regression has not even come within two standard
deviations of their mean; the last layer that may not be trained, if those hold most of the parameters of all layers that
ran (a part that was trained elsewhere is of use; one that was frozen as it was initialized is not); the data, if the loss
on validation data is no better than a constant's either and does not fall (what is learned holds for no other data, as
when inputs and labels were shuffled apart), or if the weights travelled `moved` times their own size in steps of about the
usual thousandth of it, so that the rate is not to blame; the learning rate otherwise.

How to fix it
This is a symptom. Where another rule names the cause, it is shown as part of it. Otherwise standardize large targets; try
ten times the learning rate and a tenth of it; look at a few inputs next to their labels as the network gets them. A
network that cannot overfit ten examples has its fault in the model or the loop, not in the data.

When it is wrong
The task may truly be unpredictable (random labels, a coin), or so hard that its first progress takes longer than this
run. A penalty that is part of the loss can lift it above the baseline; therefore a batch accuracy above the majority
guess, answers that account for a tenth of the targets' variance, or an area under the ROC curve of more than 0.55 on
validation data count as learning too. A signal so weak that none of them shows it is taken for none.

References
A. Karpathy, A Recipe for Training Neural Networks. https://karpathy.github.io/2019/04/25/recipe/
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.movement import distance, typical_updates
from deeplocalize.signals.over_time import level, recent
from deeplocalize.signals.places import called_with_those_before
from deeplocalize.signals.potential import falls_short
from deeplocalize.signals.quality import CLEAR_GAP, learns_well, only_memorizes, recent_loss, steps_seen
from deeplocalize.signals.settings import USUAL_STEP, call_line, learning_rate_line
from deeplocalize.trace.schema import Trace

_REMEDIES = (
    Remedy("Try to overfit ten examples; if that fails, the fault is in the model or the loop, not in the data"),
    Remedy("Check that labels belong to their inputs: print a few pairs as the network gets them"),
)

_UNFREEZE = (
    Remedy("Let these layers be trained: requires_grad_(True), freeze=False, trainable = True before compile"),
    Remedy("If they are to stay as they are: check that their trained weights were really loaded"),
)


@rule(code="L210", severity=Severity.HIGH, needs=("steps", "loss", "baseline"))
def check(
    trace: Trace,
    *,
    min_steps: int = 100,
    slow_steps: int = 1000,
    moved: float = 1.0,
    plain: float = 0.2,
) -> Iterator[Finding]:
    """Yield one finding if the loss does not beat the best constant prediction."""
    baseline, now, steps = trace.data.baseline_loss or 0.0, recent_loss(trace).value, steps_seen(trace)
    limit = (1 - CLEAR_GAP) * baseline
    if learns_well(trace) is not False or not limit <= now < np.inf:
        return
    path = float(distance(trace, typical_updates(trace), np.array([steps]))[0])
    ended = steps >= min_steps and trace.run.ended == "completed"
    if steps < (min_steps if path >= moved else slow_steps) and not (ended and falls_short(trace, plain, False, plain)):
        return
    frozen = _frozen(trace)
    locus = _locus(trace, path / steps, path >= moved, frozen)
    held = f" What may not be trained: {called_with_those_before(trace, frozen)}." if locus.layer is not None else ""
    yield Finding(
        message=f"After {steps} steps the loss is {now:.4g}, no better than the {baseline:.4g} of always answering "
        f"the same: nothing is learned from the inputs.{held}",
        locus=locus,
        evidence=(Evidence("loss over the last fifth of the run", now, ">=", limit),),
        remedies=_UNFREEZE if locus.layer is not None else _REMEDIES[::-1] if locus.kind == "data" else _REMEDIES,
        strength=strength_of(now, limit),
    )


def _frozen(trace: Trace) -> list[int]:
    """The layers that ran and may not be trained, if they hold most of the parameters of those that ran."""
    free = trace.series("layer", "trainable")
    ran = [layer for layer in trace.layers if layer.parameters and layer.order is not None]
    frozen = [layer for layer in ran if (free[:, layer.index] == 0).all()]
    most = 2 * sum(layer.parameters for layer in frozen) > sum(layer.parameters for layer in ran)
    return [layer.index for layer in frozen] if most and len(free) and len(frozen) < len(ran) else []


def _locus(trace: Trace, step: float, went_far: bool, frozen: list[int]) -> Locus:
    if _far_from_targets(trace):
        return Locus("target-scaling", source=call_line(trace, "fit", "loss", "step"))
    if frozen and not only_memorizes(trace):
        return Locus("optimizer", frozen[-1], trace.layers[frozen[-1]].source)
    if only_memorizes(trace) or (went_far and USUAL_STEP / 10 < step < USUAL_STEP * 10):
        return Locus("data", source=call_line(trace, "fit", "forward", "step"))
    return Locus("learning-rate", source=learning_rate_line(trace))


def _far_from_targets(trace: Trace) -> bool:
    """True if the mean answer to quantities is still more than two standard deviations from their mean."""
    objective, card = trace.run.objectives[:1], trace.data.targets[:1]
    if not objective or objective[0].loss.takes != "values" or not card or card[0].mean is None or not card[0].std:
        return False
    return abs(level(recent(trace.scalar("prediction.mean"))).value - card[0].mean) > 2 * card[0].std
