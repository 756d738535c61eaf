"""Backward is called twice on the same loss.

What it means
`loss.backward(retain_graph=True)` is followed by another `backward` on the same loss before the step: mostly a line that was
left over, and `retain_graph=True` only silenced the exception that warned of it.

Why it hurts
Gradients add up, so that the loss counts twice. With SGD that is the same as twice the learning rate, which can be too much;
weight decay and other losses count half as much beside it. And each step does half its work in vain.

How it is recognized
Between clearing the gradients and the step, a backward pass began at the very tensor at which one had begun before, a single
number, without weights and for all parameters. The rule fires if that holds for more than `share` = 0.5 of the steps, and in
at least `least` = 10 of them: what is done in a few steps only is an experiment or a look at the gradient.

How to fix it
Call `backward` once on each loss, without `retain_graph=True`. For several losses, call it on their sum.

When it is wrong
Several losses that share a graph, gradient penalties, accumulation over batches and closures that compute the loss anew are
not meant: each of their passes begins at a tensor of its own. Passes after which gradients are cleared do not count. Where
the network learns well all the same, as with Adam, which divides the factor out again, the finding is weaker.

References
PyTorch, Tensor.backward. https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html
PyTorch, autograd mechanics. https://docs.pytorch.org/docs/stable/notes/autograd.html
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace


@rule(
    code="T406",
    severity=Severity.MEDIUM,
    needs=("steps", "repeated_backwards"),
    explains=(
        "dead-units",
        "exploding-gradient",
        "learning-rate-too-high",
        "loss-diverges",
        "loss-no-better-than-constant",
        "non-finite-values",
        "saturated-units",
    ),
)
def check(trace: Trace, *, share: float = 0.5, least: int = 10) -> Iterator[Finding]:
    """Yield one finding if in most steps a loss went backward more than once."""
    repeated = recorded(trace.scalar("repeated_backwards"))
    again = repeated > 0
    if again.sum() < least or again.mean() <= share:
        return
    times = round(float(repeated[again].mean())) + 1
    yield Finding(
        message=f"Backward is called {times} times on the same loss in {again.mean():.0%} of the steps, so its gradient "
        f"counts {times} times.",
        locus=Locus("training-loop", source=call_line(trace, "backward_again", "backward", "step")),
        evidence=(Evidence("share of steps with a loss that went backward again", float(again.mean()), ">", share),),
        remedies=(Remedy("Call backward once on each loss, and leave out retain_graph=True", after="loss.backward()"),),
        strength=0.5 if learns_well(trace) else 1.0,
        first_step=int(trace.steps[0]),
    )
