"""How large the arrays are that a model is evaluated on, compared with those that fit was given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deeplocalize.trace.schema import Evaluation, Source

MOST = 8
"""So many evaluations are looked at."""

ROWS = 256
"""So many rows of an array are read, evenly spread."""


class Evaluations:
    """The evaluations of one training.

    Attributes:
        found: those that were given arrays, as facts.
    """

    def __init__(self) -> None:
        self.found: tuple[Evaluation, ...] = ()
        self._trained = math.nan

    def fitted(self, x: Any) -> None:
        """fit is given these inputs."""
        self._trained = _rms(x)

    def evaluated(self, x: Any, step: int, line: Source | None) -> None:
        """evaluate was given these inputs after so many steps, by fit itself or by the user's program on that line."""
        size = _rms(x) if len(self.found) < MOST else math.nan
        if size > 0 and self._trained > 0:
            scale = size / self._trained
            self.found += (Evaluation(step, 0, proper=1, examples=len(first_array(x)), source=line, scale=scale),)


def _rms(x: Any) -> float:
    """Root mean square of the first of some arrays; NaN if it is none of numbers."""
    array = first_array(x)
    if not hasattr(array, "__array__") or not getattr(array, "shape", ()):
        return math.nan
    values = np.asarray(array[:: max(1, len(array) // ROWS)])
    if not np.issubdtype(values.dtype, np.number):
        return math.nan
    known = values[np.isfinite(values)].astype(np.float64)
    return float(np.sqrt(np.square(known).mean())) if known.size else math.nan


def first_array(x: Any) -> Any:
    """The first of the arrays that fit or evaluate was given, alone, in a dict or in a list."""
    if isinstance(x, dict):
        return next(iter(x.values()), None)
    return x[0] if isinstance(x, list | tuple) and x else x
