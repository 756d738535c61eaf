"""The graph of an earlier step is still part of the loss.

What it means
Something that an earlier step computed goes into this step's loss, with all that it was computed from: the hidden state of a
recurrent network, a sum of losses, features that were computed once before the loop. Or it is the very same loss again.

Why it hurts
`backward` goes back through everything that led to the loss, also through the earlier step, whose values it has already
freed. PyTorch refuses: "Trying to backward through the graph a second time". With `retain_graph=True`, which the message
proposes, it would go back through all steps since the beginning, so that each takes longer than the one before.

How it is recognized
The run ended with that exception, raised by backward. The operations of a graph are numbered in the order in which they were
carried out. Those numbered below the loss of the latest backward pass that came to its end belong to an earlier step: what
leads to them is looked for among the inputs of the model, the user's variables and the attributes of modules. At least
`least` = 1 such pass is needed: with fewer there is no earlier step.

How to fix it
Detach what is carried over, `hidden = hidden.detach()`: its value stays, its past is cut off. Add up `loss.item()` instead of
`loss`. Compute what depends on trainable weights anew in each step.

When it is wrong
The exception leaves no doubt. Which of several things was carried over is a guess where no variable leads to it; then none
is named.

References
PyTorch, autograd mechanics. https://docs.pytorch.org/docs/stable/notes/autograd.html
PyTorch, my model reports "out of memory" (history across the training loop).
https://docs.pytorch.org/docs/stable/notes/faq.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Crash, Trace

REFUSAL = "backward through the graph a second time"


@rule(code="T405", severity=Severity.HIGH, needs=())
def check(trace: Trace, *, least: int = 1) -> Iterator[Finding]:
    """Yield one finding if backward refused to go through the graph of an earlier pass again."""
    crash = trace.run.crash
    if crash is None or crash.during != "backward" or REFUSAL not in crash.message:
        return
    passes = int(np.nansum(trace.scalar("backwards")))
    if crash.carried_as is None and passes < least:
        return
    what, remedy = _told(crash)
    yield Finding(
        message=f"The gradient cannot go back through the graph of an earlier step, which is gone: {what}.",
        locus=Locus("training-loop", source=crash.source or call_line(trace, "backward", "loss", "step")),
        evidence=(Evidence("backward passes that the graph was to serve", max(passes, least) + 1, ">", least),),
        remedies=(remedy,),
        first_step=int(trace.steps[-1]) + 1 if len(trace.steps) else None,
    )


def _told(crash: Crash) -> tuple[str, Remedy]:
    """What was carried over, and what to do about it."""
    name = crash.carried
    if crash.carried_as == "loss":
        again = f"backward was called on {name or 'this loss'} before"
        return again, Remedy("Compute the model's output and the loss anew in every step, and call backward once on it")
    if crash.carried_as == "sum":
        total = name or "the sum"
        remedy = Remedy(f"Call backward on the loss of this step, and add loss.item() to {total} instead of loss")
        return f"{total} adds up the losses of all steps, each with its graph", remedy
    if name is None:
        text = "Detach what is kept from one step for the next, such as a hidden state: hidden = hidden.detach()"
        return "something is carried over from one step to the next with its graph", Remedy(text)
    where = ", an input of the model," if crash.carried_as == "input" else ""
    text = f"Detach {name} before it is used again, or compute it anew from data in every step"
    what = f"{name}{where} was computed before, and still hangs on the graph that it was computed with"
    return what, Remedy(text, after=f"{name}.detach()")
