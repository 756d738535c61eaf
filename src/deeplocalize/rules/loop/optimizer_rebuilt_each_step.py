"""The optimizer, or the learning-rate scheduler, is built anew in every step.

What it means
The line that builds the optimizer stands in the training loop (in Keras: `compile` does). Each step begins with a fresh one.

Why it hurts
Momentum is a memory of the gradients before, and so are Adam's averages. A fresh optimizer has none: momentum adds nothing,
and Adam steps by the whole learning rate in every direction, whatever the size of the gradient, so that it cannot settle.
A fresh scheduler is always at the start of its schedule: a warm-up never ends, a decay never begins.

How it is recognized
The same call built an optimizer again for the same parameters (or a scheduler for the same optimizer) between one step
and the next, in more than `share` = 0.5 of the steps, and in at least `least` = 20 of them. Programs that build one anew
for each epoch or each phase do so in a few steps of a hundred. The optimizer must be one that remembers: SGD without
momentum has nothing to lose, and LBFGS takes its many steps within one. A scheduler is reported
only where the learning rate stayed within `moved` = 10 % of where it began: some schedules go on from the rate that they find.

How to fix it
Build the optimizer and the scheduler once, before the loop.

When it is wrong
Steps before which weights or the state of an optimizer were loaded do not count: meta-learning, federated learning and
adaptation to each example begin anew on purpose. Where the network learns well all the same, the finding is weaker.

References
PyTorch, torch.optim: constructing an optimizer. https://docs.pytorch.org/docs/stable/optim.html
Keras, Model.compile. https://keras.io/api/models/model_training_apis/
D. Kingma and J. Ba, Adam: A Method for Stochastic Optimization. https://arxiv.org/abs/1412.6980
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line, learning_rate
from deeplocalize.trace.schema import Optimizer, Trace

REMEMBER = frozenset(
    "adam adamw adamax nadam radam sparseadam adamuniform amsgrad lamb lion rmsprop adagrad adadelta adafactor "
    "rprop asgd ftrl muon".split()
)
"""Optimizers that keep something of each gradient, by their common names."""


@rule(
    code="T404",
    severity=Severity.MEDIUM,
    needs=("steps", "optimizer"),
    explains=("learning-rate-too-low", "loss-no-better-than-constant", "too-few-steps", "weights-never-change"),
)
def check(trace: Trace, *, share: float = 0.5, least: int = 20, moved: float = 0.1) -> Iterator[Finding]:
    """Yield one finding if most steps were taken by an optimizer, or with a scheduler, that was built for them."""
    well = learns_well(trace)
    memory = next((lost for each in trace.run.optimizers if (lost := _memory(each))), None)
    if memory is not None and (seen := _share_of(trace, "rebuilt_optimizers", share, least)):
        yield _finding(trace, trace.run.optimizers[0].name, memory, seen, share, 0.5 if well else 1.0)
    elif (seen := _share_of(trace, "rebuilt_schedulers", share, least)) and _moved(trace) < moved:
        lost = f"the schedule never gets beyond its start, and the learning rate stays at {learning_rate(trace) or 0:g}"
        yield _finding(trace, "the learning-rate scheduler", lost, seen, share, 0.5 if well else 1.0)


def _memory(optimizer: Optimizer) -> str | None:
    """What an optimizer loses when it is built anew; None if nothing is known to be lost."""
    momentum = optimizer.settings.get("momentum")
    if optimizer.kind == "sgd" and isinstance(momentum, int | float) and momentum > 0:
        return f"its momentum of {momentum:g} has nothing to add up"
    return "its averages of the gradients are lost each time" if optimizer.kind in REMEMBER else None


def _share_of(trace: Trace, name: str, share: float, least: int) -> float | None:
    """The share of the steps before which something was built anew, if it is past the limits."""
    rebuilt = recorded(trace.scalar(name)) > 0
    return float(rebuilt.mean()) if rebuilt.sum() >= least and rebuilt.mean() > share else None


def _moved(trace: Trace) -> float:
    """How far the learning rate went, over its largest value."""
    rates = recorded(trace.scalar("learning_rate"))
    return float(np.ptp(rates) / rates.max()) if len(rates) and rates.max() > 0 else 0.0


def _finding(trace: Trace, what: str, lost: str, seen: float, share: float, strength: float) -> Finding:
    built = trace.run.optimizers[0].source
    where, remedy = built, Remedy(f"Build {what} once, before the training loop")
    if what.startswith("the "):
        where = call_line(trace, "scheduler_built", "scheduler") or built
    elif trace.run.framework == "keras":
        where, remedy = call_line(trace, "compile") or built, Remedy("Call compile once, before the training loop")
    return Finding(
        message=f"{what[:1].upper()}{what[1:]} is built anew in {seen:.0%} of the steps, by the same line: {lost}.",
        locus=Locus("training-loop", source=where or call_line(trace, "step", "fit")),
        evidence=(Evidence(f"share of the steps before which {what} was built anew", seen, ">", share),),
        remedies=(remedy,),
        strength=strength,
        first_step=int(trace.steps[0]),
    )
