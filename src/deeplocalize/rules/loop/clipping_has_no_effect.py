"""Gradients are clipped where there are none.

What it means
`clip_grad_norm_` or `clip_grad_value_` stands before `backward()`, or after the step: there the gradients are cleared, or those of
the step before. Or `clip_grad_norm_` is given an iterator that was used up before, such as the `filter` or `model.parameters()` that
the optimizer was built from. Either way what the optimizer is given is never clipped.

Why it hurts
The training is as if it had no clipping: one exploding gradient throws the weights away, which the clipping was to prevent.

How it is recognized
In more than `share` = 0.5 of the steps, and in at least `least` = 10 of them, the gradients were clipped before any backward pass
since the step before, or the norm that was clipped is 0 though gradients are not, and nothing else clipped them. Who clips at
infinity wants the norm alone, and is left alone.

How to fix it
Clip between `backward()` and the optimizer's `step()`, and give it a list, or `model.parameters()` anew.

When it is wrong
The order of the calls is a fact. A gradient that is put together without backward, by hand, can be clipped at any place.
Where several trainings run side by side it is not told whose gradients are clipped. Where the network learns well all the same,
the finding is weaker.

References
PyTorch, torch.nn.utils.clip_grad_norm_. https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
R. Pascanu, T. Mikolov, Y. Bengio: On the difficulty of training recurrent neural networks. https://arxiv.org/abs/1211.5063
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace

_EARLY = "gradients are clipped before backward() has made any", "Clip between backward() and the optimizer's step()"
_EMPTY = (
    "the clipping is given no parameters with a gradient, as by an iterator that was used up before",
    "Make a list of the parameters where they are first asked for, or ask for model.parameters() again",
)


@rule(
    code="T411",
    severity=Severity.MEDIUM,
    needs=("steps", "idle_clips"),
    explains=("exploding-gradient", "loss-diverges", "loss-no-better-than-constant", "non-finite-values"),
)
def check(trace: Trace, *, share: float = 0.5, least: int = 10) -> Iterator[Finding]:
    """Yield one finding if in most steps gradients were clipped only while there were none."""
    passes, clipped = trace.scalar("backwards"), np.isfinite(trace.scalar("clipped"))
    in_vain = (trace.scalar("idle_clips") > 0) & ~clipped & (passes > 0)
    if in_vain.sum() < least or in_vain.mean() <= share:
        return
    empty = call_line(trace, "empty_clip")
    why, cure = _EMPTY if empty is not None else _EARLY
    yield Finding(
        message=f"In {in_vain.mean():.0%} of the steps {why}, so the clipping has no effect.",
        locus=Locus("training-loop", source=empty or call_line(trace, "idle_clip", "step")),
        evidence=(Evidence("share of steps that clip no gradient", float(in_vain.mean()), ">", share),),
        remedies=(Remedy(cure),),
        strength=0.5 if learns_well(trace) else 1.0,
        first_step=int(trace.steps[0]),
    )
