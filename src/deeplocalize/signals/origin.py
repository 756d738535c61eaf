"""Where values that are not finite come from: the first of them in the order in which a step computes its values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deeplocalize.signals.over_depth import in_order
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import loss_curve, start_loss
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Origin, Trace

USERS_OWN = ("custom", "other")
"""Kinds of layers whose computation is the user's."""

CURES = {
    "log": "Keep the argument of the logarithm above 0, as in log(x + 1e-7); for probabilities use log_softmax or logsigmoid",
    "sqrt": "Keep the argument of the root above 0, as in sqrt(x + 1e-12): at 0 its slope is infinite, below it is NaN",
    "rsqrt": "Keep the argument of the root above 0, as in rsqrt(x + 1e-12)",
    "division": "Keep the divisor away from 0: x / max(y, 1e-6), or leave out the examples for which it is 0",
    "exp": "Subtract the largest exponent first, or use softmax or logsumexp, which do that: exp(89) overflows",
    "power": "Keep the base above 0, as in (x + 1e-7) ** p",
    "std": "Add a small number to the variance before its root: at 0 its slope is infinite",
}
"""By operation: what to do against values and slopes that are not finite."""


class FirstNonfinite(NamedTuple):
    """The first value that is not finite.

    `role` is input, target, weight, operation (in the user's code, before the layer), activation, prediction, loss,
    gradient or update, and answer where no more is known; `layer` the index of the layer, None if it is in none; `amount` how
    many such values there are. `passed_over`: it is in batches from which no gradient was computed; `amount` is their share.
    """

    step: int
    role: str
    layer: int | None
    amount: float
    series: Series | None = None
    passed_over: bool = False


def first_nonfinite(trace: Trace, most: int = 0) -> FirstNonfinite | None:
    """The first value that is not finite, in the first step that it spoiled; None if nothing was spoiled.

    A step is spoiled if its loss, a weight or an update holds more than `most` such values. A gradient alone is not
    enough: mixed precision skips such steps.
    """
    step = _first_spoiled(trace, most)
    if step is None:
        return None
    found = next((each for each in _in_step(trace, step) if each.amount > most), None)
    if found is not None and found.role == "weight":
        return next((each for each in _gradients(trace, step - 1) if each.amount > most), found)
    return found


def spoiled_before(trace: Trace, step: int) -> bool:
    """True if something was not finite before a step: what goes wrong from there on is its consequence."""
    spoiled = _first_spoiled(trace, 0)
    return spoiled is not None and spoiled < step


def operation_of(trace: Trace, found: FirstNonfinite) -> Origin | None:
    """The operation in the user's own code that made the value, where the probe found it."""
    if found.passed_over:
        return trace.run.passed_over.origin if trace.run.passed_over is not None else None
    origin = trace.run.origin
    if origin is None or found.role not in ("operation", "activation", "prediction", "loss", "gradient", "weight"):
        return None
    if found.role == "weight":  # spoiled by the step before, whose gradient was not recorded
        return origin if origin.step == found.step - 1 and not _grew(trace, found.step) else None
    return origin if origin.step == found.step else None


def is_within(trace: Trace, found: FirstNonfinite) -> bool:
    """True if the operation is part of a layer of the user's own, not between two layers."""
    own = found.layer is not None and trace.layers[found.layer].kind in USERS_OWN
    return own and found.role in ("activation", "gradient")


def _grew(trace: Trace, step: int) -> bool:
    """True if the loss had grown far above its start before a step, so that huge weights are what overflowed."""
    before = recorded(loss_curve(trace)[trace.steps < step])
    return bool(len(before) and before[-1] > 100 * abs(start_loss(trace)))


def recovered(trace: Trace, step: int) -> bool:
    """True if after `step` the run came back to a finite loss, and its weights are finite at the end."""
    lost, weights = trace.scalar("loss.nonfinite"), trace.series("weight", "nonfinite")
    return bool(trace.steps[-1] > step and lost[-1] == 0 and not (weights[-1:] > 0).any())


def _first_spoiled(trace: Trace, most: int) -> int | None:
    spoiled = (trace.series("weight", "nonfinite") > most) | (trace.series("weight_update", "nonfinite") > most)
    steps = [*trace.steps[trace.scalar("loss.nonfinite") > 0], *trace.sampled[spoiled.any(axis=1)]]
    return int(min(steps)) if steps else None


def _in_step(trace: Trace, step: int) -> Iterator[FirstNonfinite]:
    yield FirstNonfinite(step, "input", None, _scalar(trace, step, "input.nonfinite"))
    lost = _scalar(trace, step, "loss.nonfinite") > 0
    yield from _forward(trace, step, lost)
    if lost:
        yield FirstNonfinite(step, "target", None, _scalar(trace, step, "target.nonfinite"))
        yield FirstNonfinite(step, "prediction", None, _scalar(trace, step, "prediction.nonfinite"))
        yield FirstNonfinite(step, "loss", None, 1.0)
    yield from _gradients(trace, step)
    update = Series("weight_update", "nonfinite")
    for layer, count in _counts(trace, step, update):
        yield FirstNonfinite(step, "update", layer, count, update)


def _forward(trace: Trace, step: int, lost: bool) -> Iterator[FirstNonfinite]:
    """Weights, and if the loss was lost what was computed with them, layer by layer."""
    weight, given, output = (Series(role, "nonfinite") for role in ("weight", "input", "activation"))
    before = trace.sampled < step
    # What was infinite in earlier steps and did no harm (a mask) is no origin now.
    harmless = (
        trace.series(*output)[before].max(axis=0, initial=0.0, where=~np.isnan(trace.series(*output)[before])) > 0
    )
    inputs, outputs = dict(_counts(trace, step, given)), dict(_counts(trace, step, output))
    fine = _scalar(trace, step, "input.nonfinite") == 0  # then something before the first layer spoiled it
    for position, (layer, count) in enumerate(_counts(trace, step, weight)):
        yield FirstNonfinite(step, "weight", layer, count, weight)
        if lost and not harmless[layer]:
            inside = position > 0 or fine
            role, place = ("operation", layer) if inside else ("input", None)
            yield FirstNonfinite(step, role, place, inputs[layer], given)
            yield FirstNonfinite(step, "activation", layer, outputs[layer], output)


def _gradients(trace: Trace, step: int) -> Iterator[FirstNonfinite]:
    """Gradients from the last layer back to the first.

    What arrives at a layer's output was made by what comes behind it; where that is a layer of the user's own, the gradient
    is that layer's.
    """
    order = [int(each) for each in in_order(trace)]
    own = {before: after for before, after in itertools.pairwise(order) if trace.layers[after].kind in USERS_OWN}
    activation, weight = (Series(role, "nonfinite") for role in ("activation_gradient", "weight_gradient"))
    weights = dict(_counts(trace, step, weight))
    for layer, count in reversed(list(_counts(trace, step, activation))):
        yield FirstNonfinite(step, "gradient", own.get(layer, layer), count, activation)
        yield FirstNonfinite(step, "gradient", layer, weights[layer], weight)


def _counts(trace: Trace, step: int, series: Series) -> Iterator[tuple[int, float]]:
    """(layer, count) in the order of the forward pass; nothing if the layers were not recorded in this step."""
    for row in trace.series(*series)[trace.sampled == step]:
        yield from ((int(layer), float(row[layer])) for layer in in_order(trace))


def _scalar(trace: Trace, step: int, name: str) -> float:
    """A quantity of one step; NaN if it was not recorded."""
    return float(np.concatenate([trace.scalar(name)[trace.steps == step], [np.nan]])[0])
