"""The learning rate as it was set, as it should be, and the lines of the training loop."""

from __future__ import annotations

import math
import re

import numpy as np

from deeplocalize.trace.schema import Source, Trace

MOST_CHANGE = 1e4
"""A learning rate is off by a factor of ten often, of a thousand at times; beyond this a proposal would be a guess."""

USUAL_STEP = 1e-3
"""Relative length of a step at which networks usually learn well; see https://cs231n.github.io/neural-networks-3/."""


def learning_rate(trace: Trace) -> float | None:
    """The largest learning rate that was used, else the one the optimizer was built with; None if unknown."""
    used = trace.scalar("learning_rate")
    if np.isfinite(used).any():
        return float(np.nanmax(used))
    rate = trace.run.optimizers[0].settings.get("learning_rate") if trace.run.optimizers else None
    return float(rate) if isinstance(rate, (int, float)) else None


def learning_rate_line(trace: Trace) -> Source | None:
    """The line that sets the learning rate: its argument, else the optimizer, else the call that took it."""
    for optimizer in trace.run.optimizers:
        if found := optimizer.sources.get("learning_rate") or optimizer.source:
            return found
    return call_line(trace, "compile", "step", "fit")


def call_line(trace: Trace, *calls: str) -> Source | None:
    """The line of the first of these calls that is known."""
    return next((trace.run.sources[call] for call in calls if call in trace.run.sources), None)


def share_of_steps(trace: Trace, pattern: str) -> float:
    """Share of the recorded steps in which calls came in an order that matches `pattern`."""
    matching = [index for index, order in enumerate(trace.orders) if re.search(pattern, order)]
    return float(np.isin(trace.order, matching).mean()) if len(trace.order) else 0.0


def rescaled(rate: float, step: float) -> float:
    """The rate at which a step of relative length `step` would have the usual length, rounded to one digit.

    At most a factor of MOST_CHANGE is proposed: what a run does that is farther off says little about the first step.
    """
    wanted = rate * USUAL_STEP / step
    bounded = min(max(wanted, rate / MOST_CHANGE), rate * MOST_CHANGE)
    return float(f"{bounded:.0e}") if math.isfinite(bounded) else rate
