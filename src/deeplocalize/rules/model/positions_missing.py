"""Attention is not told where in the sequence its tokens stand, and nothing is learned without.

What it means
Self-attention treats a sequence as a set: with its tokens in another order it makes the same vectors in that order. Where
each token stands has to be added to its vector, by a table of positions that is learned or by sines and cosines. Here the
vectors of an embedding go into the attention as they are.

Why it hurts
Any two sequences of the same tokens look alike. What depends on their order cannot be learned, however long the training is.

How it is recognized
A self-attention without a mask is given the vectors of an embedding with nothing done to them but what is the same in all
places: dropout, normalization, a common factor. No other layer could tell the places apart: there is no recurrent layer and no
convolution, and no dense layer takes all places at once. And the network does not learn, although it had time to: after
100 steps and 3,200 examples its loss is no better than that of a constant. So a task for which the order does not matter is
let alone, and there is nothing to limit.

How to fix it
Add a vector for each position to that of the token, before the first attention:
`x = self.token(ids) + self.position(torch.arange(ids.shape[1]))`.

When it is wrong
A network that would learn nothing with positions either, as its labels are noise, is accused of what it lacks all the same.

References
A. Vaswani et al.: Attention Is All You Need, 2017, section 3.5. https://arxiv.org/abs/1706.03762
J. Lee et al.: Set Transformer, 2019, on attention as a function of sets. https://arxiv.org/abs/1810.00825
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.places import called
from deeplocalize.signals.quality import expected_loss, has_had_time, learns_well, recent_loss, steps_seen
from deeplocalize.trace.schema import Layer, Trace

FEWEST = 3
"""Tokens of a sequence whose order can matter much."""


@rule(
    code="M511",
    severity=Severity.LOW,
    needs=("steps", "loss", "layers", "baseline"),
    explains=(
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "network-too-small",
        "no-generalization",
    ),
)
def check(trace: Trace) -> Iterator[Finding]:
    """Yield one finding, for the embedding before the first attention."""
    attention = next((layer for layer in trace.layers if layer.unplaced is not None), None)
    if attention is None or attention.unplaced is None or _tells_places_apart(trace, attention):
        return
    expected = expected_loss(trace)
    if not has_had_time(trace) or learns_well(trace) is not False or expected is None:
        return
    now, embedding = recent_loss(trace).value, trace.layers[attention.unplaced]
    yield Finding(
        message=f"Nothing tells {called(trace, attention.index)} where in the sequence a token stands: it is given the vectors of "
        f"{called(trace, embedding.index)} as they are, and every order of them looks the same. After {steps_seen(trace)} steps the loss is "
        f"{now:.4g}, as if nothing were known.",
        locus=Locus("layer-missing", embedding.index, embedding.source),
        evidence=(Evidence("loss over the last fifth of the run", now, ">=", expected),),
        remedies=(Remedy("Add a vector for each position to that of the token, before the attention"),),
        strength=0.75,
    )


def _tells_places_apart(trace: Trace, attention: Layer) -> bool:
    """True if another layer may: it goes along the sequence, or takes all of it at once; or there is no order to speak of."""
    shape = attention.output_shape or ()
    if len(shape) != 2 or (shape[0] is not None and shape[0] < FEWEST):
        return True
    whole = None if None in shape else math.prod(size or 0 for size in shape)
    return any(
        layer.kind in ("recurrent", "conv")
        or (layer.kind == "dense" and whole is not None and (layer.input_shape or ())[-1:] == (whole,))
        for layer in trace.layers
    )
