"""Gradients are not cleared between steps.

What it means
In PyTorch, backward adds to the gradients that are there. Without `zero_grad`, each step uses the sum of all gradients
since training began, most of them computed for weights that are long gone.

Why it hurts
The sum grows with the number of steps and so does the length of each step; the direction is outdated. The loss
oscillates or explodes. Adam hides it, since it divides by the gradient's size, and only learns worse.

How it is recognized
When the first backward pass of a step began, gradients were still there that an earlier step had already applied; or, of
several optimizers, one applied gradients that it had applied before, since only those of the others are cleared. The rule
fires if that holds for more than `share` = 0.5 of the steps after the first, and in at least `least` = 3 of them: calling
`zero_grad` once per epoch leaves nearly all steps stale, while a forgotten call in a rare branch leaves few.

How to fix it
Call `optimizer.zero_grad()` before each backward pass.

When it is wrong
Gradient accumulation is not accused: its backward passes belong to one step, after which gradients are cleared. Nor are
optimizers that clear their gradients only just before they compute them again, as in adversarial training. The
finding is weaker where the network learns well all the same.

References
PyTorch, zeroing out gradients. https://docs.pytorch.org/tutorials/recipes/recipes/zeroing_out_gradients.html
"Warn when zero_grad was not called". https://github.com/pytorch/pytorch/issues/47175
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Intervention, Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Source, Trace


@rule(
    code="T401",
    severity=Severity.HIGH,
    needs=("steps", "stale_gradient"),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
        "vanishing-gradient",
    ),
)
def check(trace: Trace, *, share: float = 0.5, least: int = 3) -> Iterator[Finding]:
    """Yield one finding if most steps began with the gradients of earlier steps."""
    stale = recorded(trace.scalar("stale_gradient")[1:])
    if stale.sum() < least or stale.mean() <= share:
        return
    observed = float(stale.mean())
    yield Finding(
        message=f"Gradients of earlier steps were still there when backward began, in {observed:.0%} of the steps: each "
        "step adds to all before it.",
        locus=Locus("training-loop", source=_line(trace)),
        evidence=(Evidence("share of steps that began with applied gradients", observed, ">", share),),
        remedies=(
            Remedy(
                "Call optimizer.zero_grad() before backward() in every step",
                after="optimizer.zero_grad()",
                intervention=Intervention("zero-gradients", "training loop"),
            ),
        ),
        strength=0.5 if learns_well(trace) else 1.0,
        first_step=int(trace.steps[1]),
    )


def _line(trace: Trace) -> Source | None:
    """Of several optimizers, the line that clears the gradients of some of them."""
    partly = len(trace.run.optimizers) > 1 and "zero_grad" in trace.run.sources
    return call_line(trace, *(("zero_grad",) if partly else ()), "backward", "step", "fit")
