"""How well the network learns, judged by trivial baselines and by its own start, never by absolute quality."""

from __future__ import annotations

import math
import re

import numpy as np

from deeplocalize.signals.over_time import (
    BLOCKS,
    Level,
    block_means,
    level,
    mostly_above,
    recent,
    recorded,
    slope,
    trend,
)
from deeplocalize.trace.schema import FloatArray, Trace

CLEAR_GAP = 0.05
"""Share of the baseline's loss that must be gone. A coin that falls right in 65 % of cases is 6.6 % below chance."""

CLEAR_GAIN = 0.1
"""Share of the majority guess's errors that must be gone: 55 instead of 50 %, or 91 instead of 90 %."""

CLEAR_FALL = 0.2
"""Where there is no baseline: share of its start by which the loss must have fallen."""

ENOUGH_STEPS = 100
"""Before this many optimizer steps a network that is still at its baseline may just be beginning to learn."""

ENOUGH_EXAMPLES = 3200
"""So many examples must have been seen too: 100 batches of 32. Ten times ENOUGH_STEPS will do for smaller batches."""

PATIENCE = 3
"""A loss that would pass the baseline in this many times the length of the run is still on its way."""


def loss_curve(trace: Trace) -> FloatArray:
    """The loss per example or position, [steps]; NaN where it was not recorded or not finite.

    A program that divides its loss by the number of accumulated batches is given the undivided loss back.
    """
    accumulated = trace.scalar("accumulated")
    return trace.scalar("loss") * np.where(accumulated > 1, accumulated, 1.0)


def start_loss(trace: Trace) -> float:
    """The loss before training changed anything: of the first recorded step, or the level of the first steps (a
    fiftieth, 3 at least) if that is lower, for a first batch may be a hard one but a bad run throws the loss up at once.
    NaN if no loss was recorded."""
    curve = recorded(loss_curve(trace))
    return float(np.min([level(curve[: max(3, len(trace.steps) // 50)]).value, *curve[:1]]))


def recent_loss(trace: Trace) -> Level:
    """The level of the loss over the last fifth of the recorded steps; infinite if the last of all is not finite."""
    if recorded(trace.scalar("loss.nonfinite"))[-1:].any():
        return Level(math.inf, 0.0)
    return level(recent(loss_curve(trace)))


def baseline_gap(trace: Trace) -> float | None:
    """Share of the best constant prediction's loss that the network has removed by now.

    0 = no better than answering the same for every input, 1 = no loss left, negative = worse, -inf = the loss is no
    longer finite. None if there is no baseline, the baseline is already without loss, or no loss was recorded.
    """
    baseline, now = _positive(trace.data.baseline_loss), recent_loss(trace).value
    if baseline is None or math.isnan(now):
        return None
    return 1 - now / baseline


def in_turns(trace: Trace) -> bool:
    """True if another training took turns with this one, step by step: two players, or an actor and its critic.

    What each of them is asked then depends on the other, and a loss at its baseline may be the aim. In most steps the
    other one stepped in between; where the device hands over several steps at a time, in at least every twentieth.
    """
    others = recorded(trace.scalar("other_steps"))[1:]
    return bool(len(others) >= ENOUGH_STEPS / 5 and np.mean(others > 0) >= 1 / 20)


def learns_well(trace: Trace) -> bool | None:
    """True if the network has clearly learned something, False if it clearly has not; None if nobody can tell yet.

    Of a training that takes turns with another, failure is not told from the loss unless it is no longer finite.
    True needs a loss well below that of the best constant prediction, an area under the ROC curve above guessing, or answers that
    are better than a constant (a penalty may be part of the loss) and not merely learned by heart; where no baseline is known, a
    loss well below its own start. False needs a loss that is no longer finite, or stands far above both its start and the
    baseline, or gave back most of what it had gained, or, after enough steps, is not clearly below the baseline and not on its
    way there.
    """
    now = recent_loss(trace)
    if math.isinf(now.value):
        return False
    baseline = _positive(trace.data.baseline_loss)
    if baseline is None or in_turns(trace):
        return _beats_majority(trace) or _improved(trace, now)
    way_back = _half_way_back(trace, baseline)
    lost = way_back < (1 - CLEAR_GAP / 2) * baseline and now.above(way_back)
    if lost or mostly_above(recent(loss_curve(trace)), 2 * max(start_loss(trace), baseline)):
        return False
    if ranks_elsewhere(trace):
        return True
    below = now.below(baseline) and now.value <= (1 - CLEAR_GAP) * baseline
    answers_count = not only_memorizes(trace)
    if below or (answers_count and (_beats_majority(trace) or _accounts_for_targets(trace))):
        return True
    clear = now.value - now.error >= (1 - CLEAR_GAP) * baseline
    return False if clear and has_had_time(trace) and not on_its_way(trace) else None


def has_had_time(trace: Trace) -> bool:
    """True if the run saw enough steps and examples to show whether it learns."""
    steps, size = steps_seen(trace), _batch_size(trace, ENOUGH_EXAMPLES) * _places(trace)
    return steps >= ENOUGH_STEPS and (steps * size >= ENOUGH_EXAMPLES or steps >= 10 * ENOUGH_STEPS)


def _places(trace: Trace) -> int:
    """How many places of an example, such as the pixels of a picture, are answered each for itself; 1 if that is not known."""
    shapes = [each.head.shape for each in trace.run.objectives[:1] if each.loss.kind == "binary-cross-entropy"]
    sizes = shapes[0] if shapes and shapes[0] is not None and len(shapes[0]) > 1 else ()
    return math.prod(size or 1 for size in sizes)


def _batch_size(trace: Trace, otherwise: float) -> float:
    sizes = recorded(trace.scalar("batch_size"))
    return float(np.median(sizes)) if len(sizes) else float(trace.run.batch_size or otherwise)


def expected_loss(trace: Trace) -> float | None:
    """The level below which the loss should have come and stayed: clearly under the baseline, and not more than half
    way back to it from the best stretch of the run. None if there is no baseline.

    Where `learns_well` is False, `recent_loss` is at or above this.
    """
    baseline = _positive(trace.data.baseline_loss)
    return min((1 - CLEAR_GAP) * baseline, _half_way_back(trace, baseline)) if baseline else None


def steps_seen(trace: Trace) -> int:
    """Optimizer steps from the start of the run to the last recorded one."""
    return int(trace.steps[-1]) + 1 if len(trace.steps) else 0


def planned_steps(trace: Trace) -> int:
    """Optimizer steps that the run was to take: those it took if it came to its end, else as many as it was set to take,
    or 1,000 if that is not known."""
    run, seen = trace.run, steps_seen(trace)
    if run.ended == "completed":
        return seen
    planned = run.epochs * run.steps_per_epoch if run.epochs and run.steps_per_epoch else 10 * ENOUGH_STEPS
    return max(seen, planned)


def on_its_way(trace: Trace) -> bool:
    """True if the loss still falls, and at its present pace would clearly pass the baseline before long.

    The pace is relative, as a loss that fell from a million to a thousand does not go on to below zero.
    """
    curve = recorded(loss_curve(trace))
    late = curve[len(curve) // 2 :]
    if trend(late) > -3 or only_memorizes(trace):
        return False
    baseline = _positive(trace.data.baseline_loss)
    if baseline is None or not (curve > 0).all():
        return True
    ahead = PATIENCE * len(curve) * planned_steps(trace) / steps_seen(trace)
    goal = math.log((1 - CLEAR_GAP) * baseline)
    return math.log(level(recent(curve)).value) + slope(np.log(late)) * ahead < goal


def is_stuck(trace: Trace, least: int) -> bool:
    """True if after so many steps the loss is more than twice the best constant prediction's and did not fall."""
    gap = baseline_gap(trace)
    return gap is not None and gap < -1 and steps_seen(trace) >= least and trend(loss_curve(trace)) > -3


def only_memorizes(trace: Trace, elsewhere: float = 0.25) -> bool:
    """True if of what the loss is below a constant's, less than a quarter is left on data that are not trained on, and
    the loss on these does not fall: the network learns by heart."""
    baseline, validation = _positive(trace.data.baseline_loss), recorded(trace.scalar("validation.loss"))
    late = validation[len(validation) // 2 :]
    if not baseline or len(late) < 3 or late[-1] < late[0] or ranks_elsewhere(trace):
        return False
    gained = max(0.0, baseline - recent_loss(trace).value)
    return bool(baseline - late.min() <= elsewhere * gained)


def ranks_elsewhere(trace: Trace, better: float = 0.55) -> bool:
    """True if the area under the ROC curve on data that are not trained on is above that of guessing, 0.5, by what a tenth of a
    perfect ranking is: a weak signal may lower the loss by a hundredth, and cost all accuracy, and yet be all there is."""
    names = [
        each for each in trace.scalars if re.fullmatch(r"validation\.(?!.*pr).*auc.*", each)
    ]  # not under precision-recall
    late = [recorded(trace.scalar(each))[-3:] for each in names]
    return any(len(each) > 0 and float(np.median(each)) > better for each in late)


def overfits(trace: Trace) -> bool:
    """True if the loss on data that are not trained on was lower by a fifth before, while the training loss still falls."""
    elsewhere = recorded(trace.scalar("validation.loss"))
    best = int(np.argmin(elsewhere)) if len(elsewhere) else 0
    curve = recorded(loss_curve(trace))
    rises = len(elsewhere) - best > 3 and elsewhere[-3:].min() > 1.25 * elsewhere[best]
    return bool(rises and trend(curve[len(curve) * best // len(elsewhere) :]) <= -3)


def _positive(baseline: float | None) -> float | None:
    """A baseline without loss, where all targets are the same, is nothing to compare with."""
    return baseline if baseline is not None and baseline > 0 else None


def _beats_majority(trace: Trace) -> bool:
    majority = trace.data.baseline_accuracy
    latest = recent(trace.scalar("accuracy"))
    if majority is None or not len(recorded(latest)):
        return False
    now = level(latest)
    # Single examples that happen to be right do not scatter, so the error is at least that of guessing on so many.
    luck = math.sqrt(majority * (1 - majority) / (len(recorded(latest)) * max(1.0, _batch_size(trace, 1.0))))
    sure = Level(now.value, max(now.error, luck))
    return sure.above(majority) and now.value - majority >= CLEAR_GAIN * (1 - majority)


def _accounts_for_targets(trace: Trace) -> bool:
    """True if the latest answers to quantities account for a part of their variance, whatever else is in the loss."""
    sample, cards = trace.sample, trace.data.targets
    if sample is None or not cards or cards[0].encoding != "continuous":
        return False
    targets, answers = (each.reshape(len(sample.steps), -1) for each in (sample.targets, sample.predictions))
    if targets.shape != answers.shape or len(targets) < 32 or not np.isfinite(answers).all():
        return False
    return float(np.square(targets - answers).mean()) < (1 - CLEAR_GAIN) * float(targets.var(axis=0).mean())


def _improved(trace: Trace, now: Level) -> bool | None:
    """Without a baseline only success can be seen: a policy's loss need not fall, weighted classes cost accuracy."""
    # The first steps of a bad run can throw the loss up; coming down from there again is no progress.
    start = min([start_loss(trace), *recorded(loss_curve(trace))[:1]])
    return True if now.below(start) and start - now.value >= CLEAR_FALL * abs(start) else None


def _half_way_back(trace: Trace, baseline: float) -> float:
    """The middle between the baseline and the best tenth of the run; the baseline for too short a run."""
    means = block_means(loss_curve(trace), BLOCKS)
    return (float(means.min()) + baseline) / 2 if len(means) == BLOCKS else baseline
