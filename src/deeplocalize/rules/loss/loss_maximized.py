"""The loss is made as large as possible, because its sign is wrong.

What it means
An optimizer makes what it is given smaller. Here it is given minus the loss: a minus too many (`-criterion(...)`, a Keras
loss `lambda y, p: -mse(y, p)`), or one too few, where a likelihood is meant to grow.

Why it hurts
Every step makes the answers worse. The number that is printed falls all the same, below zero and for ever, so it looks
like success until the accuracy is seen, or until the numbers overflow.

How it is recognized
That a known loss is minimized with the sign turned is seen in two ways. In PyTorch, the graph of the loss tells what each
known term was multiplied with: below 0 for the only terms there are, in every step. For a loss of the user's own, the
number it gave is compared with the known losses of the answers it was given: it is minus one of them, within `near` = 0.25
of it (a batch is known in part, and probabilities may be clipped otherwise).
Then the loss must have got worse: its size is larger at the end than at the start, and larger than that of the best
constant answer, or not finite. And the network began as one that knows nothing: its first loss was no less than `knows` =
0.5 of a constant answer's, of which luck takes a third at most; what is made to forget something begins far below that.

How to fix it
Take the minus away, or set the one that is missing.

When it is wrong
A loss may be maximized on purpose, and none of these is accused: a loss that is a part of a sum (entropy bonuses, adversarial
terms), one of several trainings that take turns (a generator against a discriminator), an attack on a network that is
not trained itself, a reward that changes its sign, an optimizer that maximizes minus the loss. Nor is
a network that is made to forget something it knew.
Losses without such a bound (likelihoods of densities, critics) are not known losses and are never judged.

References
I. Goodfellow, Y. Bengio, A. Courville: Deep Learning, section 5.5, maximum likelihood. https://www.deeplearningbook.org/
PyTorch, torch.optim, maximize. https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.opposite import known_losses
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.places import loss_line
from deeplocalize.signals.quality import loss_curve, recent_loss
from deeplocalize.signals.settings import call_line
from deeplocalize.signals.task import Task, tasks
from deeplocalize.trace.schema import Source, Trace

MINUS = r"backward\(\s*-|^\s*\(\s*-.*\)\s*\.backward|neg\(.*backward"
"""A minus in the call of backward itself."""


@rule(
    code="L213",
    severity=Severity.HIGH,
    needs=("steps", "loss", "objective"),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, near: float = 0.25, knows: float = 0.5) -> Iterator[Finding]:
    """Yield one finding if minus a known loss is minimized."""
    found = _turned(trace, list(tasks(trace)), near)
    if found is None or _takes_turns(trace) or any(each.settings.get("maximize") for each in trace.run.optimizers):
        return
    name, sign, constant = found
    losses = -recorded(loss_curve(trace))
    if not len(losses) or np.mean(losses >= 0) < 0.95:
        return
    first, now = float(np.median(losses[:3])), abs(recent_loss(trace).value)
    knew = first < knows * constant if constant else _knew(trace, first, knows)
    if knew or not now > max(first, constant) or not _is_trained(trace):
        return
    yield Finding(
        message=f"Minus the {name} is minimized, so the {name} itself grows: from {first:.4g} to "
        f"{f'{now:.4g}' if now < math.inf else 'infinity'}.",
        locus=Locus("loss", source=_line(trace)),
        evidence=(
            Evidence(f"what is minimized, over the {name}", sign, "<", 0),
            Evidence(f"{name} over the last fifth of the run", now, ">", max(first, constant)),
        ),
        remedies=(Remedy("Turn the sign of the loss round, so that it falls as the answers get better"),),
    )


def _turned(trace: Trace, asked: list[Task], near: float) -> tuple[str, float, float] | None:
    """The known loss that is maximized, what it is multiplied with, and the loss of a constant answer (0 if not known)."""
    if asked and all(each.loss.kind != "other" and each.loss.factor < 0 for each in asked):
        name = asked[0].loss.kind.replace("mean-", "mean ").replace("-error", " error").replace("binary-", "binary ")
        return name, asked[0].loss.factor, trace.data.baseline_loss or 0.0
    if len(asked) == 1 and asked[0].loss.kind == "other":
        best = min(known_losses(trace, asked[0]), key=lambda known: abs(known.ratio + 1), default=None)
        if best is not None and abs(best.ratio + 1) < near:
            return best.name, best.ratio, best.constant
    return None


def _takes_turns(trace: Trace) -> bool:
    return bool((trace.scalar("other_steps")[1:] > 0).any())


def _knew(trace: Trace, loss: float, knows: float) -> bool:
    """True if the first answers were already far better than a guess, where no constant answer is known to compare with:
    there may be one class alone, which the network is to forget, or the loss may be a sum over the batch."""
    units, first = trace.run.objectives[0].head.units or 1, recorded(trace.scalar("accuracy"))[:3]
    guess = trace.data.baseline_accuracy or 0.0
    guess = guess if 0 < guess < 1 else 1 / units
    sure = len(first) > 0 and float(np.median(first)) > 1 - knows * (1 - guess)
    return sure or (units > 1 and not trace.has("accuracy") and loss < knows * math.log(units))


def _is_trained(trace: Trace) -> bool:
    """True if the layer that answers is among those that are trained: an attack leaves the network as it is."""
    layer = trace.run.objectives[0].head.layer
    held = trace.series("layer", "optimized")[-1:, layer] if layer is not None else np.zeros(0)
    if np.isfinite(held).any():
        return bool(held[0] > 0)
    return 2 * trace.run.optimized > trace.run.parameters


def _line(trace: Trace) -> Source | None:
    backward = trace.run.sources.get("backward")
    if backward is not None and re.search(MINUS, backward.text or ""):
        return backward
    return call_line(trace, "loss") or loss_line(trace, trace.run.objectives[0].loss)
