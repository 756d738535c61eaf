"""How the network answers: the nonlinearity of its output, taken apart as the loss sees it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from deeplocalize.signals.over_depth import finite, lasting
from deeplocalize.signals.task import Task
from deeplocalize.trace.schema import Head, Trace

INFINITY = math.inf

RANGES: dict[str, tuple[float, float]] = {
    # The values a nonlinearity can give. Those whose range the user sets (elu, celu, hard_tanh, threshold) are left out.
    "relu": (0, INFINITY),
    "relu6": (0, 6),
    "leaky_relu": (-INFINITY, INFINITY),
    "prelu": (-INFINITY, INFINITY),
    "selu": (-1.7581, INFINITY),
    "gelu": (-0.17, INFINITY),
    "silu": (-0.2785, INFINITY),
    "swish": (-0.2785, INFINITY),
    "mish": (-0.3089, INFINITY),
    "hard_swish": (-0.375, INFINITY),
    "softplus": (0, INFINITY),
    "exponential": (0, INFINITY),
    "exp": (0, INFINITY),
    "sigmoid": (0, 1),
    "hard_sigmoid": (0, 1),
    "softmax": (0, 1),
    "tanh": (-1, 1),
    "softsign": (-1, 1),
    "log_softmax": (-INFINITY, 0),
    "log_sigmoid": (-INFINITY, 0),
}

SOFTMAXES = ("softmax", "log_softmax")

_NORMALIZERS = {
    # What makes of raw outputs the thing a loss takes. A cross-entropy on probabilities divides by their sum, so any
    # positive function will do; log-softmax changes nothing if the loss applies it again.
    ("classes", "logits"): ("log_softmax",),
    ("classes", "probabilities"): ("softmax", "softplus", "exponential", "exp"),
    ("classes", "log-probabilities"): ("log_softmax",),
    ("binary", "probabilities"): ("sigmoid", "hard_sigmoid", "softmax"),
}

_ROUNDING = 1e-3


class Output(NamedTuple):
    """The nonlinearity of an output in two parts.

    `normalizer` turns it into what the loss takes: "loss" if the loss does that itself, None if nothing does.
    `before` is the nonlinearity in front of it, or linear.
    """

    before: str
    normalizer: str | None


def output(task: Task) -> Output | None:
    """Take the output's nonlinearity apart; None if it is not known, nor what the loss was given."""
    names = nonlinearities(task)
    if names is None or task.family is None or task.loss.takes is None or task.units is None:
        return None
    if names and names[-1] in _NORMALIZERS.get((task.family, task.loss.takes), ()):
        return Output(names[-2] if len(names) > 1 else "linear", names[-1])
    if not names and _is_normalized_unseen(task):
        return None
    return Output(names[-1] if names else "linear", "loss" if task.loss.takes == "logits" else None)


def nonlinearities(task: Task) -> tuple[str, ...] | None:
    """The nonlinearities between the last layer with parameters and the loss, in order; empty if there are none.

    None if one of them is not known, or if predictions were seen that the last of them cannot give: then something
    unknown (a scale, a sum, another axis) is behind it.
    """
    if task.head.activation is None:
        return None
    names = _simplified([name for name in task.head.activation.split("+") if name != "linear"])
    if any(name not in RANGES for name in names) or (names and not _is_possible(task, names[-1])):
        return None
    return tuple(names)


def is_softmax(task: Task) -> bool:
    """True if the output is a softmax (or its logarithm)."""
    names = nonlinearities(task)
    return bool(names) and names is not None and names[-1] in SOFTMAXES


def _simplified(names: list[str]) -> list[str]:
    """Leave out what changes nothing: a lower bound for positive values; the logarithm of softmax is log-softmax."""
    kept: list[str] = []
    for name in names:
        if name == "log" and kept[-1:] == ["softmax"]:
            kept[-1] = "log_softmax"
        elif not (name == "relu" and kept and RANGES.get(kept[-1], (-1, 0))[0] >= 0):
            kept.append(name)
    return kept


def _is_possible(task: Task, name: str) -> bool:
    low, high = RANGES[name]
    return not (task.low < low - _ROUNDING or task.high > high + _ROUNDING)


def _is_normalized_unseen(task: Task) -> bool:
    """True if raw outputs were such in every step as only a nonlinearity makes them, and no exception denies it."""
    if task.crashed or task.family == "values" or task.loss.takes == "logits":
        return False
    return task.high <= 0 if task.loss.takes == "log-probabilities" else task.low >= 0 and task.high <= 1


def is_limited(task: Task) -> bool:
    """True if a bounded nonlinearity bounds what the loss is given.

    A scale behind it shows in the predictions alone, and these are recorded for the first objective only.
    """
    return task.index == 0


def dead_units(trace: Trace, head: Head) -> float:
    """How many units of an output are 0 for every example of a batch, over the second half of the run; NaN if unknown."""
    layer = head.layer if head.activation_layer is None else head.activation_layer
    if layer is None or head.units is None:
        return math.nan
    return float(np.round(lasting(trace, finite(trace, "activation", "dead"))[layer] * head.units))


def lowest_loss(task: Task, low: float, high: float) -> float:
    """The lowest cross-entropy that logits limited to [low, high] can reach, with every answer right.

    Over C classes the right one can be at most high - low above the others; for yes-or-no answers the share of yes
    among the targets weighs the two sides (where it is not known, the better side counts).
    """
    if task.family == "classes":
        return math.log1p(((task.units or 2) - 1) * math.exp(low - high))
    yes, no = float(np.logaddexp(0, -high)), float(np.logaddexp(0, low))
    share = task.target.mean if task.target is not None else None
    return min(yes, no) if share is None or not 0 <= share <= 1 else share * yes + (1 - share) * no
