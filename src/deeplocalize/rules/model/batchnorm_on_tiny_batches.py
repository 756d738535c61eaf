"""Batch normalization is trained on batches of one or two examples.

What it means
Batch normalization takes mean and variance of each unit over the batch. Over two values these are an accident: whatever they
are, one becomes 1 and the other -1. Over a single value nothing is left: it becomes 0, or PyTorch raises an error.

Why it hurts
What the layers behind it get tells nothing, or little, of the example. And in evaluation other statistics are used, averages
over the training, so that the network behaves differently there.

How it is recognized
PyTorch's own refusal ("Expected more than 1 value per channel when training") is one sign; it is also raised by the last batch
of an epoch, if a single example is left for it. Otherwise a layer in training mode has had at most `values` = 4 values for
each of its units, the batch times the positions of an image or a sequence: of so few, the variance is off by its own size. As
small batches can do no harm, harm must be seen: the network is no better than a constant answer although it had time, or its
error on validation data has levelled off, and removes at least `least` = 0.2 less of the constant answer's error than the five nearest
neighbors among the rows trained on.

How to fix it
Use batches of at least 8, better 32 examples; leave out an incomplete last batch (`drop_last=True`). If the memory holds no
more, use layer or group normalization, which do not look at the batch. The layer is named, as the batch is often as small as
it must be, and because it is the layer that needs more.

When it is wrong
Images of any size have many values for each unit in a batch of one, and are not judged, nor are layers in evaluation mode and
networks that learn well.

References
Y. Wu, K. He: Group Normalization, 2018. https://arxiv.org/abs/1803.08494
PyTorch, BatchNorm1d. https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import in_order, lasting
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.places import argument, called
from deeplocalize.signals.potential import compare, error_elsewhere, has_levelled_off
from deeplocalize.signals.quality import learns_well, recent_loss
from deeplocalize.trace.schema import Crash, Layer, Trace

REFUSAL = "Expected more than 1 value per channel when training"

_LAST = Remedy("Leave out an incomplete last batch", "DataLoader(...)", "DataLoader(..., drop_last=True)")
_LARGER = Remedy("Use batches of 32 examples, or of 8 at least")
_OTHER = Remedy("Use layer or group normalization, which do not look at the batch")


@rule(
    code="M505",
    severity=Severity.MEDIUM,
    needs=("layers",),
    explains=(
        "dead-units",
        "learning-rate-too-high",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "no-generalization",
        "too-few-steps",
        "vanishing-gradient",
        "weights-never-change",
    ),
)
def check(trace: Trace, *, values: int = 4, least: float = 0.2) -> Iterator[Finding]:
    """Yield one finding: for the layer that refused, else for the first one with too few values."""
    crash = trace.run.crash
    if crash is not None and REFUSAL in crash.message:
        yield _refused(trace, crash)
        return
    sizes, modes = recorded(trace.scalar("batch_size")), lasting(trace, trace.series("layer", "training"))
    size = float(np.median(sizes)) if len(sizes) else math.inf
    tiny = [
        int(at)
        for at in in_order(trace)
        if trace.layers[at].kind == "batch-norm" and modes[at] == 1 and size * _positions(trace.layers[at]) <= values
    ]
    if not tiny or (harm := _harm(trace, least)) is None:
        return
    count = size * _positions(trace.layers[tiny[0]])
    yield Finding(
        message=f"In batches of {size:g}, {called(trace, tiny[0])} takes mean and variance of each unit from {count:g} "
        f"value{'s' * (count != 1)}, and {harm.what} is {harm.observed:.3g}.",
        locus=Locus("batchnorm", *argument(trace, tiny[0])),
        evidence=(Evidence("values that each unit is normalized by", count, "<=", values), harm),
        remedies=(_LARGER, _OTHER),
        strength=1.0 if count <= 2 else 0.75,
    )


def _refused(trace: Trace, crash: Crash) -> Finding:
    norms = [layer.index for layer in trace.layers if layer.kind == "batch-norm"]
    layer = crash.layer if crash.layer is not None else next(iter(norms), None)
    place = argument(trace, layer)
    late = len(trace.steps) > 0
    when = f"After {len(trace.steps)} steps a batch came" if late else "The first batch came"
    return Finding(
        message=f"{when} with a single example, from which {called(trace, layer)} cannot take a variance.",
        locus=Locus("batchnorm", place.layer, place.source or crash.source),
        evidence=(Evidence("values that each unit is normalized by", 1, "<=", 1),),
        remedies=(_LAST, _LARGER, _OTHER) if late else (_LARGER, _OTHER),
    )


def _positions(layer: Layer) -> float:
    """How many values of one example a unit has; infinite if that is not known."""
    shape, axis = layer.output_shape, layer.settings.get("axis")
    if not shape or None in shape:
        return math.inf if shape != () else 1.0
    units = shape[int(axis) - 1 if axis > 0 else int(axis)] if isinstance(axis, int | float) else shape[0]
    return math.prod(size or 1 for size in shape) / (units or 1)


def _harm(trace: Trace, least: float) -> Evidence | None:
    if not trace.has("loss"):
        return None
    well, now = learns_well(trace), trace.data.baseline_loss
    if well is False and now is not None:
        level = recent_loss(trace).value
        what = f"the loss (that of a constant answer is {now:.3g})"
        return Evidence(what, level, ">", now / 2) if level > now / 2 else None
    found = compare(trace) if well and has_levelled_off(trace) else None
    if found is None:
        return None
    allowed, elsewhere = found.of("neighbors") + least * found.constant, error_elsewhere(trace)
    what = f"the error on validation data (that of the nearest neighbors is {found.of('neighbors'):.2g})"
    return Evidence(what, elsewhere, ">", allowed) if elsewhere > allowed else None
