"""The targets of a sequence are the very tokens that the network is given in the same places.

What it means
A network that is to say the next token is shown the token it is to say: inputs and targets are the same piece of text, where the
targets have to be shifted by one place, `y = text[start + 1 : start + length + 1]`.

Why it hurts
All there is to learn is to hand on the input. The loss falls to nothing within a few steps, and the network knows nothing of what
comes next.

How it is recognized
All of this holds:
- In at least `least` = 10 recorded steps every label is the token in the same place of the input.
- The loss is one of classes, and each layer with weights answers in every place, so nothing is squeezed through a code on the way
  as in an autoencoder of sequences. There is at most one recurrent layer, since an encoder and a decoder are two.

How to fix it
Shift the targets by one: `x, y = text[:, :-1], text[:, 1:]`.

When it is wrong
A network that is to copy its input, as to test whether it can, is accused. So would be an encoder and a decoder that share one
recurrent layer. Masked tokens are no copies, and neither is a sequence that is to be reversed.

References
A. Karpathy, The Unreasonable Effectiveness of Recurrent Neural Networks, 2015. https://karpathy.github.io/2015/05/21/rnn-effectiveness/
"""

from __future__ import annotations

from collections.abc import Iterator

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import in_order
from deeplocalize.signals.over_time import recorded
from deeplocalize.signals.settings import call_line
from deeplocalize.trace.schema import Trace


@rule(code="D112", severity=Severity.HIGH, needs=("steps", "layers", "objective"), explains=("no-generalization",))
def check(trace: Trace, *, least: int = 10) -> Iterator[Finding]:
    """Yield one finding if the network is only asked to hand on what it is given."""
    copied = recorded(trace.scalar("target.copied"))
    if len(copied) < least or not (copied == 1).all() or not _answers_everywhere(trace):
        return
    yield Finding(
        message=f"In all {len(copied)} steps that were looked at, every label is the token that the network is given in the same "
        "place: all it can learn is to hand on its input.",
        locus=Locus("data", source=call_line(trace, "fit", "inputs", "forward", "step")),
        evidence=(Evidence("share of the labels that are the token in the same place of the input", 1.0, "==", 1),),
        remedies=(Remedy("Shift the targets by one place", after="x, y = text[:, :-1], text[:, 1:]"),),
    )


def _answers_everywhere(trace: Trace) -> bool:
    """True if all layers with weights answer in each place of the sequence, and no second one goes along it."""
    layers = [trace.layers[int(at)] for at in in_order(trace)]
    weighty = [layer for layer in layers if layer.parameters]
    length = (weighty[0].output_shape or (None,))[0] if weighty else None
    everywhere = all(
        len(layer.output_shape or ()) == 2 and (layer.output_shape or ())[0] == length for layer in weighty
    )
    return everywhere and length != 1 and sum(layer.kind == "recurrent" for layer in layers) <= 1
