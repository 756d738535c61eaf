"""Batch normalization's running averages hardly left their start, so evaluation goes by the wrong statistics.

What it means
In training, batch normalization goes by the batch at hand, and takes a little of it into its averages: the share `momentum` in
PyTorch, one minus `momentum` in Keras. In evaluation it goes by these averages. Here the share is so small for the number of steps
that most of them is still the mean of 0 and the variance of 1 that they began with. Or a train step of the user's own throws the
new averages away, as a stateless one in JAX does that does not return them.

Why it hurts
The training looks well, and the network fails in evaluation, on the very data it was trained on. It looks like overfitting.

How it is recognized
All of this holds for a layer that was in training mode throughout:
- Its averages were as they begin when the training began; those that were loaded with a model are right without any step.
- After at least `least` = 20 steps, more than `left` = 0.5 of that start is left in them: the share that a step keeps, to the power of
  the number of steps. With the usual momentum (0.1 in PyTorch, 0.99 in Keras), which is never accused, it is 0.00003 and 0.37 after
  100 steps. That is a mistake: what the layer is given has an RMS that is not within a factor `far` = 2 of 1, so 0 and 1 are no
  likely averages.
- Or, in Keras, all of it is: after `fit` they are exactly 0 and 1, which no average of real numbers is.

How to fix it
Leave the momentum as it is by default: 0.1 in PyTorch, 0.99 in Keras, which mean opposite things. In short trainings with Keras, 0.9.

When it is wrong
A network that is never evaluated, or whose averages are collected anew after the training.

References
S. Ioffe, C. Szegedy: Batch Normalization, 2015. https://arxiv.org/abs/1502.03167
PyTorch, BatchNorm1d, on what momentum means. https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import finite, in_order, input_scale
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.quality import steps_seen
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

GIVEN = Series("activation", "rms")

USUAL = {"torch": 0.1, "keras": 0.99}


@rule(
    code="M510",
    severity=Severity.MEDIUM,
    needs=("steps", "layers", GIVEN),
    explains=(
        "no-generalization",
        "overfitting",
    ),
)
def check(trace: Trace, *, least: int = 20, left: float = 0.5, far: float = 2.0) -> Iterator[Finding]:
    """Yield one finding, for the first layer whose averages are mostly their start."""
    steps = steps_seen(trace)
    if steps < least:
        return
    if still := _in_training(trace, "unmoved"):
        yield _thrown_away(trace, still[0], least)
        return
    found = next((at for at in _slow(trace) if _kept(trace, at) ** steps > left and _scale(trace, at) > far), None)
    if found is None:
        return
    momentum, rest = trace.layers[found].settings["momentum"], _kept(trace, found) ** steps
    usual = USUAL[trace.run.framework]
    yield Finding(
        message=f"With a momentum of {momentum:g}, {rest:.0%} of the running averages of {called(trace, found)} are still the mean "
        f"of 0 and the variance of 1 they began with, after {steps} steps: evaluation goes by them.",
        locus=Locus("batchnorm", *argument(trace, found, "momentum")),
        evidence=(
            Evidence("share of the averages that is still their start", rest, ">", left),
            _unlike(trace, found, far),
        ),
        remedies=(Remedy("Use the usual momentum", f"{momentum:g}", f"{usual:g}"),),
        strength=strength_of(rest, left),
    )


def _thrown_away(trace: Trace, layer: int, least: int) -> Finding:
    steps = steps_seen(trace)
    return Finding(
        message=f"The running averages of {called(trace, layer)} are still the mean of 0 and the variance of 1 they began with, "
        f"after {steps} steps: nothing updates them, and evaluation goes by them.",
        locus=Locus("training-loop", layer, call_line(trace, "backward", "forward", "fit")),
        evidence=(Evidence("steps in training mode that did not change the averages", steps, ">=", least),),
        remedies=(
            Remedy("Return from the train step the new values of the variables that are not trained, not the old ones"),
        ),
    )


def _unlike(trace: Trace, layer: int, far: float) -> Evidence:
    return Evidence("RMS of what the layer is given, or 1 over it", _scale(trace, layer), ">", far, GIVEN)


def _in_training(trace: Trace, state: str) -> list[int]:
    """Batch normalizations in training mode throughout whose averages are in this state, in the order of the pass."""
    modes = trace.series("layer", "training")
    layers = [trace.layers[int(at)] for at in in_order(trace)]
    return [
        layer.index
        for layer in layers
        if layer.kind == "batch-norm" and layer.settings.get(state) and (modes[:, layer.index] == 1).all()
    ]


def _slow(trace: Trace) -> list[int]:
    """Those that keep more than is usual of averages that were as they begin."""
    usual = _share_kept(trace, USUAL[trace.run.framework])
    return [at for at in _in_training(trace, "fresh") if _kept(trace, at) > usual]


def _kept(trace: Trace, layer: int) -> float:
    """The share of its averages that a layer keeps in a step; 0 if it has no momentum."""
    momentum = trace.layers[layer].settings.get("momentum")
    if not isinstance(momentum, int | float):
        return 0.0
    return _share_kept(trace, float(momentum))


def _share_kept(trace: Trace, momentum: float) -> float:
    return momentum if trace.run.framework == "keras" else 1 - momentum


def _scale(trace: Trace, layer: int) -> float:
    """RMS of what a layer is given in the middle of the run, or 1 over it if that is larger; 1 if it is not known."""
    order = [int(at) for at in in_order(trace)]
    first = order.index(layer) == 0
    known = np.array([input_scale(trace)]) if first else finite(trace, *GIVEN)[:, order[order.index(layer) - 1]]
    known = known[np.isfinite(known) & (known > 0)]
    size = float(np.median(known)) if len(known) else 1.0
    return max(size, 1 / size)
