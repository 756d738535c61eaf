"""The optimizer does not hold all parameters that should be trained.

What it means
Layers get a gradient in every step, but the optimizer was never given their parameters, so nothing changes them. Mostly
the model was altered after the optimizer was built: a new head, another device or type, added layers. Or layers are kept
where the model does not look for them: PyTorch not in a plain Python list, Keras not in an object that is no layer. Or, in
Keras, they were frozen when the model was compiled: `trainable = True` means nothing before it is compiled again.

Why it hurts
These layers keep their random start for ever. If it is the output layer, the rest of the network has to work around it.

How it is recognized
For each layer the trace says which share of its parameters may be trained, got a gradient, and is held by an optimizer.
The rule fires for layers with `share` = 0.99 or less held although they may be trained and get a gradient, in every
recorded step. The limit is not 1 only for rounding. Of layers that the model does not know, and whose initializer is
known, it is asked that their weights still are spread as evenly as a uniform initializer leaves them: what was trained
before may be meant to stay, and of another initializer's weights that cannot be told. Layers that were set free after
their model was compiled, and before it was fitted, are reported if no recorded step trained them, nor anything else did.
So is a whole model that no optimizer holds, where two of them hold the same parameters, and one of these steps after
gradients that go through what it holds into that model.

How to fix it
Keep layers in attributes of the model, in `nn.ModuleList` or `nn.ModuleDict`; in Keras, make the class that holds them a
`keras.layers.Layer`. Build the optimizer after the model is complete, or add new parameters with `add_param_group`.
Parameters that are left out on purpose should say so: `requires_grad_(False)` also saves the time for their gradient.

When it is wrong
Training a part of a network on purpose looks the same. If the network learns well, the rule is silent, except when the
last layer with weights is left out, or layers that the model does not know: that is hardly ever meant.

References
PyTorch, Optimizer.add_param_group. https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.add_param_group.html
"Warn if the optimizer does not hold the model's parameters". https://github.com/pytorch/pytorch/issues/14467
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.cuts import left_out, set_free_too_late
from deeplocalize.signals.over_depth import weight_layers
from deeplocalize.signals.places import called
from deeplocalize.signals.quality import learns_well
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Trace

OPTIMIZED, FREE = Series("layer", "optimized"), Series("layer", "trainable")

_REBUILD = Remedy("Build the optimizer after the last change to the model, from model.parameters()")
_LAYER = Remedy(
    "Make the class that holds these layers a keras.layers.Layer, with super().__init__() and call(): Keras tracks layers in "
    "the attributes of layers, not of other objects"
)
_REGISTER = Remedy(
    "Keep the layers in nn.ModuleList (or nn.ModuleDict): model.parameters() does not look into a plain Python list",
    "[...]",
    "nn.ModuleList([...])",
)


@rule(
    code="O303",
    severity=Severity.HIGH,
    needs=("optimizer", OPTIMIZED),
    explains=(
        "all-parameters-frozen",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, share: float = 0.99) -> Iterator[Finding]:
    """Yield one finding that names the layers left out."""
    missing, well = left_out(trace, share), learns_well(trace)
    if missing and any(each.misplaced for each in trace.run.optimizers):
        yield _misplaced(trace, missing, share)
        return
    if late := set_free_too_late(trace):
        yield _still_frozen(trace, late, 0.5 if well else 1.0)
        return
    hidden = any(not trace.layers[index].registered for index in missing)
    if not missing or (well and _last(trace) not in missing and not hidden):
        return
    yield Finding(
        message=f"The optimizer {trace.run.optimizers[0].name} does not hold the parameters of {_named(trace, missing)}: they get a "
        "gradient in every step and never change.",
        locus=_locus(trace, missing[0]),
        evidence=(_evidence(trace, missing, share),),
        remedies=((_LAYER if trace.run.framework == "keras" else _REGISTER) if hidden else _REBUILD,),
        strength=0.5 if well else 1.0,
    )


def _evidence(trace: Trace, missing: list[int], share: float) -> Evidence:
    held = min(float(np.nanmax(trace.series(*OPTIMIZED)[:, index])) for index in missing)
    return Evidence("share of the layer's parameters that an optimizer holds", held, "<=", share, OPTIMIZED)


def _misplaced(trace: Trace, missing: list[int], share: float) -> Finding:
    optimizer = next(each for each in trace.run.optimizers if each.misplaced)
    return Finding(
        message=f"No optimizer holds the parameters of {_named(trace, missing)}: {optimizer.name}, which steps after their "
        "gradients, was given those that another optimizer holds already.",
        locus=Locus("optimizer", missing[0], optimizer.source or call_line(trace, "step")),
        evidence=(_evidence(trace, missing, share),),
        remedies=(Remedy("Give this optimizer the parameters of the model that it is to train"),),
    )


def _named(trace: Trace, layers: list[int]) -> str:
    count = sum(trace.layers[index].parameters for index in layers)
    others = f" and {len(layers) - 1} more layer{'s' * (len(layers) > 2)}" if len(layers) > 1 else ""
    return f"{called(trace, layers[0])}{others} ({count:,} in all)"


def _still_frozen(trace: Trace, late: list[int], strength: float) -> Finding:
    layer = trace.layers[late[0]]
    return Finding(
        message=f"The parameters of {_named(trace, late)} were frozen when the model was compiled, and were set free without "
        "compiling it again: no step changes them.",
        locus=Locus("training-loop", layer.index, layer.sources["unfrozen"]),
        evidence=(Evidence("share of the layer's parameters that a step may train", 0.0, "==", 0, FREE),),
        remedies=(Remedy("Call compile() after setting trainable; a smaller learning rate suits fine-tuning"),),
        strength=strength,
    )


def _locus(trace: Trace, index: int) -> Locus:
    """The line that builds the optimizer; for a layer that the model does not list as its own, that of the class that holds
    it, or else of the layer."""
    layer, optimizer = trace.layers[index], trace.run.optimizers[0]
    source = layer.sources.get("held", layer.source)
    if not layer.registered and source is not None:
        return Locus("optimizer", layer.index, source)
    return Locus("optimizer", layer.index, optimizer.source or call_line(trace, "compile", "step"))


def _last(trace: Trace) -> int | None:
    layers = weight_layers(trace)
    return int(layers[-1]) if len(layers) else None
