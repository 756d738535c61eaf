"""What a program did to the weights of a model besides training them."""

from __future__ import annotations

from dataclasses import dataclass

from deeplocalize.trace.source import Source


@dataclass(frozen=True)
class Loading:
    """Weights were loaded into a model: how many of its tensors were found in what was loaded, how many were not, and
    how many of those loaded have no place in the model. `given` is the name of one of the latter, `wanted` that of one
    that was not found, the same tensor under another name if there are such."""

    found: int
    missing: int
    unexpected: int
    source: Source | None = None
    given: str | None = None
    wanted: str | None = None


@dataclass(frozen=True)
class Restoring:
    """Weights that were kept without a copy were given back to the model: they are the model's own, so nothing changed.

    `tensors` counts them, `changes` the steps and loadings that changed them since they were kept. `kept` is the line that kept
    them, `source` the one that gave them back.
    """

    tensors: int
    changes: int
    source: Source | None = None
    kept: Source | None = None
