"""A recurrent layer reads on through the padding behind its sequences.

What it means
Sequences of words of several lengths are filled up with one number at their end, and the recurrent layer is not told where they
end. What it hands on is its state after the last position, which is padding.

Why it hurts
The state forgets a part of what it holds at every position. A gate that keeps three quarters of it (a bias of 1, the default of
Keras) has kept 0.3 % after 20 positions of padding: next to nothing of the words is left, and the network cannot learn.

How it is recognized
All of this holds:
- The network does not learn although it had time to.
- An embedding looks up whole numbers for a recurrent layer, without `mask_zero` or a Masking layer in Keras, and without a
  packed sequence in PyTorch.
- Of the rows trained on, `share` = 0.9 or more end with the same number, and it fills more than half of the positions and at
  least `least` = 20 at the end of the middle row.

How to fix it
In Keras, give the embedding `mask_zero=True`, or pad at the front. In PyTorch, give the recurrent layer
`pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)`, or take its output at the last word of each row.

When it is wrong
A program that takes the output at each row's own end, or averages over the words, is not harmed by padding. It is accused only if
it does not learn for another reason, and has that much padding too.

References
Keras, masking and padding. https://keras.io/guides/understanding_masking_and_padding/
PyTorch, pack_padded_sequence. https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import rule
from deeplocalize.signals.over_depth import in_order
from deeplocalize.signals.places import called
from deeplocalize.signals.quality import learns_well
from deeplocalize.trace.schema import FloatArray, Layer, Trace


@rule(
    code="D110",
    severity=Severity.HIGH,
    needs=("steps", "loss", "layers", "sample"),
    explains=(
        "dead-units",
        "learning-rate-too-low",
        "loss-no-better-than-constant",
        "network-too-small",
        "no-generalization",
        "vanishing-gradient",
    ),
)
def check(trace: Trace, *, share: float = 0.9, least: int = 20) -> Iterator[Finding]:
    """Yield one finding if most of what a recurrent layer reads is padding behind the words."""
    reader = _reader(trace)
    if reader is None or trace.sample is None or learns_well(trace) is not False:
        return
    number, padded, ending = _padding(trace.sample.inputs)
    length = trace.sample.inputs.shape[1]
    if ending < share or padded < least or padded <= length / 2:
        return
    torch = trace.run.framework == "torch"
    embedding = next(layer for layer in trace.layers if layer.kind == "embedding")
    place = reader if torch else embedding
    yield Finding(
        message=f"{padded:.0f} of {length} positions at the end of a row are the padding {number:g}, and "
        f"{called(trace, reader.index)} reads on through it: what it hands on is its state after the padding.",
        locus=Locus("data", place.index, place.source),
        evidence=(
            Evidence("positions of padding at the end of the middle row", padded, ">=", least),
            Evidence("share of the rows that end with it", ending, ">=", share),
        ),
        remedies=(
            Remedy(
                "Let the recurrent layer stop at the end of each sequence",
                after="pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)"
                if torch
                else "Embedding(..., mask_zero=True)",
            ),
        ),
    )


def _reader(trace: Trace) -> Layer | None:
    """The first recurrent layer behind an embedding of the first input that is not told of padding."""
    ordered = [trace.layers[int(at)] for at in in_order(trace)]
    looked_up = [at for at, layer in enumerate(ordered) if layer.kind == "embedding"]
    if not trace.data.inputs or not trace.data.inputs[0].integral or not looked_up:
        return None
    reader = next((layer for layer in ordered[looked_up[0] :] if layer.kind == "recurrent"), None)
    if reader is None or any(layer.type == "Masking" for layer in ordered):
        return None
    if trace.run.framework == "torch":
        return reader if reader.input_shape is not None and len(reader.input_shape) == 2 else None
    return reader if ordered[looked_up[0]].settings.get("mask_zero") is False else None


def _padding(rows: FloatArray) -> tuple[float, float, float]:
    """The number that most rows end with, at how many positions the middle row does, and the share of the rows that do."""
    if rows.ndim != 2 or not rows.size:
        return 0.0, 0.0, 0.0
    values, counts = np.unique(rows[:, -1], return_counts=True)
    number = float(values[np.argmax(counts)])
    words = rows[:, ::-1] != number
    behind = np.where(words.any(axis=1), words.argmax(axis=1), rows.shape[1])
    return number, float(np.median(behind)), float(counts.max() / len(rows))
