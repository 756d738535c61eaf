"""The network is validated or tested on inputs, or targets, of another scale than those it is trained on.

What it means
The inputs or targets of the training were scaled and those of the evaluation were not, or the other way round.

Why it hurts
The network has never seen such numbers: its answers to them mean nothing, however well it has learned. The training looks
perfect and the evaluation is at chance, which is easily taken for overfitting.

How it is recognized
The trace knows the inputs of passes without gradients (in Keras those of `evaluate` and of validation in `fit`). The RMS of those of
an evaluation, of at least `least` = 20 examples, is more than `far` = 8 times that of the inputs trained on, or less than an eighth
of it. Parts of one data set differ by some percent; what is forgotten is a division by 16 or 255, or a standardization. Where the
network plainly fails there, `near` = 2 is enough: the loss of the evaluations is more than `lost` = 0.5 of a constant answer's,
and that of the training less than half of this share.
- All evaluations of which the scale is known are so: one that is not shows that the other is meant.
- The loss of the evaluations, where it is known, is more than `worse` = 1.5 times that of the training.
- An example is more than one number: of a curve, people look at how it goes on far beyond the data.
- The model does not begin with a layer that brings inputs of any scale to the same, nor with one that looks words up.

Targets are judged by the same factor `far`, where the program computes a loss of quantities on validation data.

How to fix it
Do to the evaluation's inputs what is done to those of the training, with the numbers of the training: fit a scaler to the training
data and apply it to both.

When it is wrong
Tests on other data on purpose: attacks, noise, another sensor. Networks that are asked for one example at a time are not judged.

References
scikit-learn, Common pitfalls, inconsistent preprocessing.
https://scikit-learn.org/stable/common_pitfalls.html#inconsistent-preprocessing
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import NORMALIZERS, in_order
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import in_turns, recent_loss
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace


@rule(
    code="V803",
    severity=Severity.MEDIUM,
    needs=("steps", "layers", "evaluations"),
    explains=(
        "no-generalization",
        "overfitting",
    ),
)
def check(
    trace: Trace, *, far: float = 8.0, near: float = 2.0, lost: float = 0.5, least: int = 20, worse: float = 1.5
) -> Iterator[Finding]:
    """Yield one finding if the targets or the inputs of all evaluations are far larger or smaller than those trained on."""
    if (apart := _between_targets(trace)) > far and not in_turns(trace) and not _is_as_good(trace, worse):
        yield _other_targets(trace, apart, far)
        return
    seen = [each for each in trace.run.evaluations if each.scale is not None and each.scale > 0]
    shown = [each for each in seen if each.examples >= max(least, 2 * (each.passes + each.proper))]
    if not shown or in_turns(trace) or _is_curve(trace) or _begins_with_any_scale(trace):
        return
    distances = [max(each.scale or 1.0, 1 / (each.scale or 1.0)) for each in shown]
    failed = _failed(trace, lost)
    limit = near if failed else far
    if min(distances) <= limit or _is_as_good(trace, worse):
        return
    first = shown[0]
    scale = first.scale or 1.0
    larger = f"{scale:.3g} times as large as" if scale > 1 else f"{1 / scale:.3g} times smaller than"
    yield Finding(
        message=f"The network is evaluated on inputs that are {larger} those it is trained on: what scales the one is missing "
        "for the other.",
        locus=Locus("input-scaling", source=first.source or call_line(trace, "eval", "fit", "forward", "step")),
        evidence=(
            Evidence(
                "RMS of the evaluation's inputs against that of the training's, whichever is larger",
                min(distances),
                ">",
                limit,
            ),
            *failed,
        ),
        remedies=(
            Remedy("Scale the inputs of the evaluation as those of the training, with the numbers of the training"),
        ),
        strength=strength_of(min(distances), limit),
        first_step=first.step,
    )


def _between_targets(trace: Trace) -> float:
    """RMS of the evaluations' targets against that of the training's, whichever is larger; NaN if that is not known."""
    there, card = recorded(trace.scalar("validation.target_rms")), trace.data.targets[:1]
    if not len(there) or not card or card[0].mean is None or card[0].std is None:
        return math.nan
    here, usual = math.hypot(card[0].mean, card[0].std), float(np.median(there))
    return max(usual / here, here / usual) if here > 0 and usual > 0 else math.nan


def _other_targets(trace: Trace, apart: float, far: float) -> Finding:
    return Finding(
        message=f"The targets that the network is evaluated by and those it is trained on differ by a factor of {apart:.3g}: what "
        "scales the one is missing for the other.",
        locus=Locus("target-scaling", source=call_line(trace, "eval", "fit", "forward", "step")),
        evidence=(
            Evidence("RMS of the evaluation's targets against the training's, whichever is larger", apart, ">", far),
        ),
        remedies=(
            Remedy("Scale the targets of the evaluation as those of the training, with the numbers of the training"),
        ),
        strength=strength_of(apart, far),
    )


def _is_curve(trace: Trace) -> bool:
    return bool(trace.data.inputs) and trace.data.inputs[0].columns == 1


def _begins_with_any_scale(trace: Trace) -> bool:
    order = in_order(trace)
    return bool(len(order)) and trace.layers[int(order[0])].kind in NORMALIZERS


def _failed(trace: Trace, lost: float) -> tuple[Evidence, ...]:
    """What shows that the network has learned its training data well, and does badly on those of the evaluations."""
    constant, elsewhere = trace.data.baseline_loss, recorded(trace.scalar("validation.loss"))[-3:]
    if not constant or not len(elsewhere):
        return ()
    there, here = float(np.median(elsewhere)) / constant, recent_loss(trace).value / constant
    if not there > lost or not here < lost / 2:
        return ()
    return (
        Evidence("loss there, over a constant answer's", there, ">", lost),
        Evidence("training loss in the end, over a constant answer's", here, "<", lost / 2),
    )


def _is_as_good(trace: Trace, worse: float) -> bool:
    elsewhere = recorded(trace.scalar("validation.loss"))
    return bool(len(elsewhere) and elsewhere[-1] <= worse * recent_loss(trace).value)
