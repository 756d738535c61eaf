"""The gradient explodes.

What it means
The gradient grows by orders of magnitude: on its way back through the layers, because each multiplies it by weights that
are too large, or from one step to the next, because the weights themselves grow.

Why it hurts
One such step throws the weights far away. What was learned is lost, units die or saturate, and numbers overflow to NaN.

How it is recognized
Harm must be seen: the loss is not finite, or the network does not learn although it had time to. With it, one of these.
- Through depth: before the first step, the norm of the gradient at the first hidden layer's output is more than `ratio` =
  100 times that at the last hidden layer. Sound networks of 14 layers stay below 30.
- Through the positions of a sequence: before the first step, a recurrent layer's output is more than `gain` = 1,000 times
  what it is given (both as RMS). Each position multiplies by the recurrent weights, and the gradient on its way back
  does too; a layer of usual weights hands on about as much as it gets.
- Over time: the norm of the whole gradient reaches more than `ratio` times its median over the twenty recorded steps
  before. In healthy runs, spikes of 10 to 50 times are common. A gradient that grows slowly follows a loss that grows.

How to fix it
Through depth: an initializer that fits (He for ReLU, Glorot for tanh), normalization layers. Over time: clip the
gradient's norm, or lower the learning rate.

When it is wrong
A clipped run, or one with normalization, whose loss is fine is never accused, however large its gradients are. Inputs or
targets of large scale make all gradients large, but not larger from layer to layer.

References
R. Pascanu, T. Mikolov, Y. Bengio: On the difficulty of training recurrent neural networks, 2013.
https://arxiv.org/abs/1211.5063
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity, strength_of
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import (
    backward_signal,
    finite,
    gradient_rise_at_start,
    in_order,
    input_scale,
    weight_layers,
)
from deeplocalize.signals.over_time import recent_middle
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

GRADIENT, ACTIVATION = Series("activation_gradient", "rms"), Series("activation", "rms")


@rule(
    code="G602",
    severity=Severity.HIGH,
    needs=("steps", "loss"),
    explains=(
        "dead-units",
        "learning-rate-too-low",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
    ),
)
def check(trace: Trace, *, ratio: float = 100.0, gain: float = 1000.0) -> Iterator[Finding]:
    """Yield one finding: through depth or positions if it is there from the start, else over time."""
    if learns_well(trace) is not False:
        return
    rise = 10.0 ** gradient_rise_at_start(trace)
    if rise > ratio:
        yield _through_depth(trace, rise, ratio)
        return
    if (through_positions := _through_positions(trace, gain)) is not None:
        yield through_positions
        return
    yield from _over_time(trace, ratio)


def _through_depth(trace: Trace, rise: float, ratio: float) -> Finding:
    layers = weight_layers(trace)
    steepest = int(layers[int(np.nanargmax(-np.diff(backward_signal(trace)[0]))) + 1])
    place = argument(trace, steepest, "kernel_initializer", "initializer")
    return Finding(
        message=f"Before the first step, the gradient grows {rise:.3g} times on its way from {called(trace, int(layers[-2]))} "
        f"back to {called(trace, int(layers[0]))}: the initial weights are too large.",
        locus=Locus("initializer", steepest, place.source),
        evidence=(
            Evidence("gradient norm at the first hidden layer over that at the last", rise, ">", ratio, GRADIENT, (0,)),
        ),
        remedies=(
            Remedy("Use an initializer scaled to the layer's inputs: He (kaiming) for ReLU, Glorot (xavier) for tanh"),
        ),
        strength=strength_of(rise, ratio),
        first_step=int(trace.sampled[0]),
    )


def _through_positions(trace: Trace, gain: float) -> Finding | None:
    """A finding for the first recurrent layer whose output is out of all proportion to what it is given."""
    outputs, given = finite(trace, *ACTIVATION)[:1].ravel(), input_scale(trace)
    for layer in in_order(trace) if len(outputs) else ():
        if trace.layers[layer].kind == "recurrent" and given > 0 and outputs[layer] / given > gain:
            grows = float(outputs[layer] / given)
            return Finding(
                message=f"Before the first step, the output of {called(trace, int(layer))} is {grows:.3g} times what it is "
                "given: its recurrent weights multiply values and gradients at every position.",
                locus=Locus("initializer", *argument(trace, int(layer), "recurrent_initializer")),
                evidence=(
                    Evidence("RMS of the layer's output over that of its input", grows, ">", gain, ACTIVATION, (0,)),
                ),
                remedies=(Remedy("Start with orthogonal recurrent weights, or a layer with gates (LSTM, GRU)"),),
                strength=strength_of(grows, gain),
                first_step=int(trace.sampled[0]),
            )
        given = float(outputs[layer])
    return None


def _over_time(trace: Trace, ratio: float) -> Iterator[Finding]:
    norms, steps = trace.scalar("gradient_norm"), trace.steps
    growth = norms / recent_middle(norms, 20)
    jumps = np.flatnonzero(growth > ratio)
    if not len(jumps):
        return
    first, peak = int(jumps[0]), int(np.nanargmax(growth))
    usual, most, step = float(norms[first] / growth[first]), float(growth[peak]), int(steps[first])
    clip = float(f"{10 * usual:.1g}")
    optimizer = trace.run.optimizers[0].source if trace.run.optimizers else None
    change = Intervention("clip-gradient-norm", "optimizer", clip)
    yield Finding(
        message=f"In step {step} the gradient jumps from a norm of {usual:.3g} in the steps before to {norms[first]:.3g}.",
        locus=Locus("optimizer", source=optimizer or call_line(trace, "step", "compile", "fit")),
        evidence=(
            Evidence("gradient norm over that of the twenty steps before", most, ">", ratio, steps=(int(steps[peak]),)),
        ),
        remedies=(Remedy(f"Clip the gradient's norm, to about {clip:g}", intervention=change),),
        strength=strength_of(most, ratio),
        first_step=step,
    )
