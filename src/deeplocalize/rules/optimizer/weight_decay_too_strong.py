"""Weight decay shrinks the weights faster than learning can hold them.

What it means
Weight decay, or an L1 or L2 penalty, pulls every weight toward zero in every step. Here the pull is larger than what the
gradient asks for, so the weights do not go where the loss is low: they go to zero.

Why it hurts
Activations fade with the weights, and gradients with them, until the network gives the same answer to every input.

How it is recognized
All of this holds, for the layers that the decay works on (the median over them):
- In the first recorded step the decay's part was more than `share` = 0.7 of the whole (0.71 is where it is as large as the rest):
  of the gradient, where the decay is added to it or is part of the loss; of the update, where it acts apart (AdamW, all of Keras).
  `half` = 0.5 is enough where nothing is left of the weights (`gone` = 0.001): only a decay takes them there.
- The weights' RMS at the end is below `left` = 0.1 of its start. Decay that is outweighed by the gradient leaves them at
  about the size they had, up to a few times less. And the network does not learn although it had time to.
- The decay itself is out of the ordinary: its gradient is more than `usual` = 0.01 times the weights, when recipes have
  0.00001 to 0.01; or, apart from the gradient, a step takes off more than `pace` = 0.001 of a weight, when AdamW with its
  usual 0.01 takes off 0.00001. Below that, a gradient that is weaker than the decay is what is wrong.
Or such a decay has eaten a layer while the others learn: its weights are below `gone` of what they were.

How to fix it
Divide the decay by a hundred or more: 0.0001 is usual for SGD, Adam and L2 penalties, 0.01 for AdamW, where it means less.

When it is wrong
A network that learns well and keeps its layers is never accused. Where the gradient has vanished in the first layers before the
first step, or is zero, the decay is not blamed for it.

References
I. Loshchilov, F. Hutter: Decoupled Weight Decay Regularization, 2019. https://arxiv.org/abs/1711.05101
PyTorch, SGD: weight_decay is added to the gradient. https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.decay import Decay, decays
from deeplocalize.signals.over_depth import EXPLOSIVE, finite, gradient_rise_at_start, middle
from deeplocalize.signals.places import argument, called_with_those_before
from deeplocalize.signals.quality import expected_loss, learns_well, recent_loss
from deeplocalize.signals.settings import learning_rate
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import FloatArray, Trace

WEIGHT = Series("weight", "rms")
NAMES = ("kernel_regularizer", "embeddings_regularizer", "recurrent_regularizer", "depthwise_regularizer")


@rule(
    code="O306",
    severity=Severity.HIGH,
    needs=("steps", "loss", "baseline", "optimizer", WEIGHT, Series("weight_gradient", "rms")),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
    ),
)
def check(
    trace: Trace,
    *,
    share: float = 0.7,
    half: float = 0.5,
    left: float = 0.1,
    usual: float = 0.01,
    pace: float = 0.001,
    gone: float = 0.001,
) -> Iterator[Finding]:
    """Yield one finding if a decay outweighs the gradient and the weights are gone."""
    expected, now = expected_loss(trace), recent_loss(trace).value
    if gradient_rise_at_start(trace) < -EXPLOSIVE:
        return
    if well := learns_well(trace):
        yield from _eaten(trace, gone, usual, pace)
    if well is not False or expected is None or not expected <= now < np.inf:
        return
    for decay in decays(trace):
        rest = middle(_left(trace)[decay.layers])
        part, least = middle(decay.share), pace if decay.acts == "weights" else usual
        enough = share if rest >= gone else half
        if not part > enough or not rest < left or not middle(decay.pull) > least:
            continue
        yield Finding(
            message=f"The {_name(decay)} of {decay.strength:g} is too strong: it was {part:.0%} of what changed the weights "
            f"in the first step, and they have shrunk to {rest:.2g} of their size; the loss is {now:.4g}.",
            locus=_locus(trace, decay, int(decay.layers[decay.share > enough][0])),
            evidence=(
                Evidence("share of the decay in the first step", part, ">", enough, steps=(int(trace.sampled[0]),)),
                Evidence("RMS of the weights at the end, over that at the start", rest, "<", left, WEIGHT),
                Evidence("loss over the last fifth of the run", now, ">=", expected),
            ),
            remedies=(_remedy(trace, decay),),
            strength=strength_of(rest, left),
            first_step=int(trace.sampled[0]),
        )
        return


def _left(trace: Trace) -> FloatArray:
    weights = finite(trace, *WEIGHT)
    return np.asarray(weights[-1] / np.where(weights[0] > 0, weights[0], math.nan))


def _eaten(trace: Trace, gone: float, usual: float, pace: float) -> Iterator[Finding]:
    """Yield one finding for a decay of which nothing is left of some layers, while the others learn."""
    why = "RMS of the weights at the end, over that at the start"
    for decay in decays(trace):
        rest, least = _left(trace)[decay.layers], pace if decay.acts == "weights" else usual
        layers = [int(at) for at in decay.layers[(rest < gone) & (decay.pull > least)]]
        if layers:
            yield Finding(
                message=f"The {_name(decay)} of {decay.strength:g} has eaten {called_with_those_before(trace, layers)}: the weights "
                f"are {rest.min():.2g} of what they were, so nothing goes through.",
                locus=_locus(trace, decay, layers[0]),
                evidence=(Evidence(why, float(rest.min()), "<", gone, WEIGHT),),
                remedies=(_remedy(trace, decay),),
            )
            return


def _name(decay: Decay) -> str:
    return "penalty on the weights" if decay.acts == "penalty" else "weight decay"


def _locus(trace: Trace, decay: Decay, layer: int) -> Locus:
    if decay.acts == "penalty":
        return Locus("regularizer", *argument(trace, layer, *NAMES))
    optimizer = trace.run.optimizers[0]
    return Locus("regularizer", source=optimizer.sources.get("weight_decay") or optimizer.source)


def _remedy(trace: Trace, decay: Decay) -> Remedy:
    """Propose a usual decay: apart from the gradient, one that takes off 0.00001 of a weight in each step."""
    rate = learning_rate(trace)
    weaker = float(f"{1e-5 / rate:.0e}") if decay.acts == "weights" and rate else 1e-4
    weaker = min(weaker, float(f"{decay.strength / 100:.1g}"))
    if decay.acts == "penalty":
        change = Intervention("set-regularizer", "layers", weaker)
        return Remedy("Use a much weaker penalty", f"{decay.strength:g}", f"{weaker:g}", change)
    change = Intervention("set-weight-decay", "optimizer", weaker)
    return Remedy("Use a much weaker decay", f"weight_decay={decay.strength:g}", f"weight_decay={weaker:g}", change)
