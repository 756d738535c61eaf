"""The network got better on its training data alone, and worse on all other.

What it means
For a while the loss fell on training and on validation data alike. Since then it goes on falling on the training data and
rises on the others: what the network still learns is its own examples by heart, with their noise.

Why it hurts
The weights that the run ends with are worse than those it had before, and the loss it shows while training says the
opposite.

How it is recognized
By the validation loss, of which there must be `least` = 10 values or more. All of this holds:
- At its best, the median of three in a row, it is clearly below the loss of a constant answer: something was learned.
- All values of the last fifth of the run are more than `rise` = 1.5 times that, and what was lost is at least `lost` = 0.05 of
  the constant answer's loss: a factor between two losses near zero harms nobody.
- The training loss fell by `fall` = 0.2 or more since then, by and by; nowhere in between did it stand as far above what it
  was, as it would if the task had changed.
- Each metric measured beside the loss is worse than it was then. For classification there must be an accuracy, with at least
  `errors` = 1.2 times as many wrong answers and more than small numbers explain: a network often grows too sure of itself,
  which its loss punishes, while its answers get better. With only a loss, quantities alone are judged.
- The run came to its end, and the program does not save or copy weights while it trains, does not stop by itself and has no
  callback that might: then the better weights are not lost.

How to fix it
Stop where the validation loss is best, and keep those weights. More data, weight decay, dropout or a smaller network put
that point off.

When it is wrong
Weights that were put aside by other means, one tensor at a time, are not seen. Some tasks are known to come out well after
very long training, long after the validation loss has risen.

References
L. Prechelt, Early Stopping - But When?, 1998. https://doi.org/10.1007/3-540-49430-8_3
Keras, EarlyStopping. https://keras.io/api/callbacks/early_stopping/
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import block_means, level, recent, trend
from deeplocalize.signals.quality import CLEAR_GAP, in_turns, learns_well, loss_curve
from deeplocalize.signals.settings import call_line
from deeplocalize.signals.validation import QUANTITIES, Curve, metrics_got_worse, validation_curve
from deeplocalize.trace.schema import FloatArray, Trace


@rule(code="V802", severity=Severity.MEDIUM, needs=("steps", "loss", "validation.loss"))
def check(
    trace: Trace, *, least: int = 10, rise: float = 1.5, lost: float = 0.05, fall: float = 0.2, errors: float = 1.2
) -> Iterator[Finding]:
    """Yield one finding if the validation loss was much lower before, and the training loss still falls."""
    curve = validation_curve(trace)
    if curve is None or len(curve.values) < least or trace.run.keeps_weights is not False:
        return
    if trace.run.ended != "completed" or in_turns(trace) or learns_well(trace) is not True:
        return
    constant = trace.data.baseline_loss or float(curve.values[0])
    now, before = float(np.median(curve.late)), curve.then
    if (
        not 0 < before < (1 - CLEAR_GAP) * constant
        or not curve.late.min() > rise * before
        or now - before < lost * constant
    ):
        return
    losses = loss_curve(trace)[curve.at[curve.best] :]
    then, end = _around_best(trace, curve), level(recent(losses)).value
    if not end < (1 - fall) * then or trend(losses) > -3 or block_means(losses, 10).max() > (1 + fall) * then:
        return
    if not _is_worse(trace, curve, errors):
        return
    when, remedy = _remedy(trace, curve)
    yield Finding(
        message=f"The loss on data it is not trained on was {before:.4g} {when} and is {now:.4g} in the end, while that on the "
        f"training data fell from {then:.4g} to {end:.4g}: the network learns its examples by heart.",
        locus=Locus("epochs", source=call_line(trace, "epochs", "fit", "step")),
        evidence=(
            Evidence("validation loss in the end, over the best of the run", now / before, ">", rise),
            Evidence("training loss in the end, over that of then", end / then, "<", 1 - fall),
        ),
        remedies=(
            remedy,
            Remedy("Weaken what the network can learn by heart: weight decay, dropout, fewer units, more data"),
        ),
        first_step=int(trace.steps[curve.at[curve.best]]),
    )


def _around_best(trace: Trace, curve: Curve) -> float:
    """The training loss between the evaluations before and after the best one."""
    first, last = curve.at[max(0, curve.best - 1)], curve.at[min(len(curve.at) - 1, curve.best + 1)]
    around: FloatArray = loss_curve(trace)[first : last + 1]
    return level(around).value


def _is_worse(trace: Trace, curve: Curve, errors: float) -> bool:
    """True if the answers got worse, not only the trust in them."""
    worse = metrics_got_worse(trace, curve, errors)
    if worse is not None:
        return worse
    objectives = trace.run.objectives
    return bool(objectives) and all(each.loss.kind in QUANTITIES for each in objectives)


def _remedy(trace: Trace, curve: Curve) -> tuple[str, Remedy]:
    """When the loss was best, in words, and what to do about it."""
    if trace.run.framework == "keras":
        return _in_keras(trace, int(curve.at[curve.best]))
    step = int(trace.steps[curve.at[curve.best]])  # an evaluation is recorded with the step that follows it
    text = (
        f"Stop at the best validation loss, here after about {step:,} steps, or keep the weights it was measured with"
    )
    return f"after {step:,} steps", Remedy(text, after="best = copy.deepcopy(model.state_dict())")


def _in_keras(trace: Trace, at: int) -> tuple[str, Remedy]:
    stop = "keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)"
    epoch, epochs = trace.scalar("epoch")[at] + 1, trace.run.epochs
    if not np.isfinite(epoch) or epochs is None:
        return f"after {trace.steps[at] + 1:,} steps", Remedy(f"Give fit callbacks=[{stop}]")
    change = Intervention("set-epochs", "training loop", int(epoch))
    text = f"Stop after epoch {epoch:.0f}, or give fit callbacks=[{stop}]"
    return f"after epoch {epoch:.0f}", Remedy(text, f"epochs={epochs}", f"epochs={epoch:.0f}", change)
