"""The weights never change although optimizer steps are taken.

What it means
Every update is exactly zero, not only small. Or a layer that is to be trained is never reached by the gradient, while the
layers after it are.

Why it hurts
The network, or that part of it, is still the random one that it was.

How it is recognized
In all recorded steps, of which `least` = 10 are needed (so that a warm-up that begins with a learning rate of 0 is
over), the RMS of every update of the trainable kernels that an optimizer holds is 0. What else was recorded tells why:
the gradients are cleared between backward and step; the learning rate is 0; no parameter gets a gradient, since the loss
is not connected to the model; the gradient is exactly zero; or the update is lost in rounding. If backward itself refuses
because the loss requires no gradient, that is reported at once; so is an optimizer without a step after as many passes.
Layers are reported if they took part in the forward pass, are trainable and held, and none of their parameters got a
gradient in any recorded step although a later layer's did, and all before them neither: the graph is cut in between. So
is a whole model that ran in nine of ten steps, but only under no_grad, while what is trained does not learn, layers of a
model that did so and are as they were initialized, and layers that are never called, if the optimizer holds more of their
parameters than of all others and the network does not learn.

How to fix it
Order the calls as zero_grad, forward, backward, step. Compute the loss from the model's output, within the framework.

When it is wrong
A cut graph can be meant: features of a trained network computed under no_grad, or a slow copy, which changes all the same
and is let alone. If the network learns well, only layers are reported whose weights still are spread as evenly as a uniform
initializer leaves them, so that nothing was learned there. Where units are dead or saturated, those rules explain this one.
Steps that a gradient scaler skips were asked for: loss-scale-collapsed says why.

References
PyTorch, zeroing out gradients. https://docs.pytorch.org/tutorials/recipes/recipes/zeroing_out_gradients.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import CannotEvaluate, rule
from deeplocalize.signals.cuts import always_beside_the_graph, cut_off, is_unconnected, never_ran
from deeplocalize.signals.over_depth import meant_to_change
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.places import called_with_those_before
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line, learning_rate, learning_rate_line, share_of_steps
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import IntArray, Optimizer, Trace

UPDATE, GRADIENT, REACHED = Series("weight_update", "rms"), Series("weight_gradient", "rms"), Series("layer", "reached")

_CONNECT = "Compute the loss from the model's output, without detach, item, numpy or no_grad on the way"


@rule(
    code="O305",
    severity=Severity.HIGH,
    needs=("layers",),
    explains=("loss-no-better-than-constant", "learning-rate-too-low"),
)
def check(trace: Trace, *, least: int = 10) -> Iterator[Finding]:
    """Yield one finding if nothing changes, else one for the layer behind which the graph is cut."""
    if (trace.run.unapplied >= least and not len(trace.steps)) or is_unconnected(trace):
        yield _cannot_begin(trace) if is_unconnected(trace) else _never_applied(trace)
        return
    if not trace.has(UPDATE) or len(trace.sampled) < least:
        raise CannotEvaluate(f"fewer than {least} recorded updates")
    layers = meant_to_change(trace)
    updates = trace.series(*UPDATE)[:, layers]
    if np.isfinite(updates).any() and not np.nanmax(updates) > 0:
        yield _nothing_changes(trace, layers, float(np.nanmax(updates)))
    else:
        yield from _cut_off(trace, layers)


def _never_applied(trace: Trace) -> Finding:
    count, optimizer = trace.run.unapplied, [*trace.run.optimizers, Optimizer("other", "the optimizer")][0]
    source = call_line(trace, "backward") or optimizer.source or call_line(trace, "loss", "forward")
    return Finding(
        message=f"backward() was called {count} times, but {optimizer.name} never took a step: {trace.run.model} never changes.",
        locus=Locus("training-loop", source=source),
        evidence=(Evidence("backward passes before the first optimizer step", count, ">", 0),),
        remedies=(Remedy("Call the optimizer's step() after backward()"),),
    )


def _cannot_begin(trace: Trace) -> Finding:
    source = trace.run.crash.source if trace.run.crash else None
    return Finding(
        message="The loss is not connected to any of the trainable parameters, so backward has nothing to do.",
        locus=Locus("training-loop", source=source or call_line(trace, "backward", "loss", "step")),
        evidence=(Evidence("trainable parameters, none of which leads to the loss", trace.run.trainable, ">", 0),),
        remedies=(Remedy(_CONNECT),),
    )


def _nothing_changes(trace: Trace, layers: IntArray, update: float) -> Finding:
    why, kind, remedy = _reason(trace, layers)
    source = learning_rate_line(trace) if kind in ("learning-rate", "optimizer") else None
    source = (call_line(trace, "scheduler") or source) if kind == "learning-rate" else source
    calls = ("zero_grad", "step", "fit") if "cleared" in why else ("backward", "loss", "step", "fit")
    return Finding(
        message=f"No weight changed in any of {len(trace.sampled)} recorded steps: {why}.",
        locus=Locus(kind, source=source or call_line(trace, *calls)),
        evidence=(Evidence("largest RMS of a weight update in any step", update, "==", 0, UPDATE),),
        remedies=(Remedy(remedy),),
        first_step=int(trace.sampled[0]),
    )


def _reason(trace: Trace, layers: IntArray) -> tuple[str, str, str]:
    """Why nothing changes, the kind of locus, and what to do."""
    if share_of_steps(trace, r"b[^b]*z[^b]*s") > 0.5:
        return "gradients are cleared between backward and step", "training-loop", "Move zero_grad() before backward()"
    if (rate := learning_rate(trace)) == 0:
        return f"the learning rate is {rate:g}", "learning-rate", "Set a learning rate above 0, such as 0.001 for Adam"
    reached, gradients = (recorded(trace.series(*each)[:, layers].ravel()) for each in (REACHED, GRADIENT))
    if len(reached) and not reached.any():
        return "no parameter gets a gradient, the loss is not connected to the model", "training-loop", _CONNECT
    if len(gradients) and not gradients.any():
        return "the gradient is exactly zero", "loss", "Check that the loss depends on what the model answers"
    return "the updates are lost in rounding", "optimizer", "Keep the weights in 32 bits, or raise the learning rate"


def _cut_off(trace: Trace, layers: IntArray) -> Iterator[Finding]:
    cut = cut_off(trace, layers)
    if not cut:
        return
    last, layer = trace.layers[cut[-1]], called_with_those_before(trace, cut)
    why, source = f"The gradient never reaches {layer}, though it reaches what comes after", last.source
    reason = "the graph is cut there"
    remedy = "Remove what cuts the graph after this layer: detach, .data, numpy, argmax, a new tensor"
    if always_beside_the_graph(trace, cut[-1]):
        source, remedy = last.sources.get("no_grad", source), "Call this layer outside of no_grad"
        why = f"No gradient ever reaches {layer}, which an optimizer holds"
        reason = "it runs under no_grad"
    elif never_ran(trace, cut[-1]):
        remedy = "Call this layer, or read its weights without .data, detach and no_grad"
        why, reason = f"No gradient ever reaches {layer}, which an optimizer holds", "it is never called"
    yield Finding(
        message=f"{why}: {reason}.",
        locus=Locus("training-loop", last.index, source),
        evidence=(Evidence("share of the layer's parameters that got a gradient", 0.0, "==", 0, REACHED),),
        remedies=(Remedy(remedy),),
        strength=0.5 if learns_well(trace) else 1.0,
        first_step=int(trace.sampled[0]),
    )
