"""The training ended when it had only begun.

What it means
The run took so few optimizer steps that the weights are still almost where they began, although each step is as long as
steps usually are.

Why it hurts
The answers are those of the initializer. Nothing is wrong with the network, yet its accuracy is a guess, which sends people
looking for a fault where there is none.

How it is recognized
All of this holds:
- The run came to its end by itself, after at least `least` = 20 steps: with fewer, somebody only tried whether it runs.
- The network is no better than a constant answer, but by less than `far` = 0.25 of that answer's loss worse, as networks
  are at their start. Nobody can say yet that it does not learn, as it had fewer than 100 steps or 3,200 examples.
- Its loss does not fall at a pace that would pass the constant answer's within three more runs of this length: a network
  that is visibly on its way is left alone, however short the run.
- The path of the weights (the RMS of each update over the RMS of the weights, the median over the layers, summed over all
  steps) is below `short` = 0.1. Networks show that they learn when it is between a fifth and once their weights' size.
- A typical step is within a factor `usual` = 10 of a thousandth of the weights, at which networks learn well. Shorter steps
  are the learning rate's fault, and longer ones would have got somewhere.

How to fix it
Train for more epochs: so many times as many as bring the path to once the weights' size. Or use smaller batches, which
make more steps of an epoch.

When it is wrong
A run that is meant to show only that a program works needs no more steps. Give such a run fewer than 20, or ignore this.

References
A. Karpathy, A Recipe for Training Neural Networks ("leave it training"). https://karpathy.github.io/2019/04/25/recipe/
Stanford CS231n, ratio of weights to updates. https://cs231n.github.io/neural-networks-3/#ratio
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.movement import distance, typical_updates
from deeplocalize.signals.quality import CLEAR_GAP, baseline_gap, learns_well, on_its_way, recent_loss, steps_seen
from deeplocalize.signals.settings import USUAL_STEP, call_line
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

UPDATE = Series("weight_update", "rms")


@rule(code="T402", severity=Severity.LOW, needs=("steps", "loss", "baseline", Series("weight", "rms"), UPDATE))
def check(
    trace: Trace, *, least: int = 20, short: float = 0.1, usual: float = 10.0, far: float = 0.25
) -> Iterator[Finding]:
    """Yield one finding if a completed run is too short for its weights to have gone anywhere."""
    steps, gap = steps_seen(trace), baseline_gap(trace)
    if trace.run.ended != "completed" or steps < least or gap is None or not -far < gap < CLEAR_GAP:
        return
    path = float(distance(trace, typical_updates(trace), np.array([steps]))[0])
    if learns_well(trace) is not None or on_its_way(trace) or not path < short:
        return
    if not USUAL_STEP / usual < path / steps < USUAL_STEP * usual:
        return
    times = float(f"{1 / path:.1g}")
    epochs = trace.run.epochs
    more = Intervention("set-epochs", "training loop", epochs * times if epochs else times)
    yield Finding(
        message=f"The training ended after {steps} steps, in which the weights travelled {path:.2g} of their own size: it has "
        f"only begun. The loss is {recent_loss(trace).value:.4g}, and a constant answer has {trace.data.baseline_loss:.4g}.",
        locus=Locus("epochs", source=call_line(trace, "epochs", "fit", "step")),
        evidence=(
            Evidence("path of the weights, over their size", path, "<", short, UPDATE),
            Evidence("share of the constant answer's loss that is gone", gap, "<", CLEAR_GAP),
        ),
        remedies=(
            Remedy(
                f"Train at least {times:,.0f} times as long",
                f"{epochs} epochs" if epochs else f"{steps} steps",
                f"{epochs * times:,.0f} epochs" if epochs else f"{steps * times:,.0f} steps",
                more,
            ),
        ),
    )
