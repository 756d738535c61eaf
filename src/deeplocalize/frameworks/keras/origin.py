"""Which operation of the user's code made the first value that is not finite, where only one can have.

The operations and their lines are known from the symbolic call of model and loss; what was finite in the step tells in which
part of them to look. Values are not looked at: of operations on several lines none is named, `replay` tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from deeplocalize.frameworks.keras import decode
from deeplocalize.frameworks.keras.tracing import Tracer
from deeplocalize.trace.schema import Origin, Source

LOSS = "loss"
"""The names of a loss's operations begin with it."""

_UNSAFE = {
    "Log": "log",
    "Log2": "log2",
    "Log10": "log10",
    "Log1p": "log1p",
    "Sqrt": "sqrt",
    "Rsqrt": "rsqrt",
    "Exp": "exp",
    "Exp2": "exp",
    "Expm1": "expm1",
    "Divide": "division",
    "TrueDivide": "division",
    "Reciprocal": "division",
    "Power": "power",
    "Norm": "norm",
    "Std": "std",
    "Arccos": "acos",
    "Arcsin": "asin",
    "Arctanh": "atanh",
}
"""Operations that can make a value or a gradient that is not finite out of finite ones, and their common names."""

_STEEP = frozenset(("sqrt", "power", "log", "division", "norm", "std", "acos", "asin"))
"""Operations whose slope can be infinite, or 0/0, where their value is finite."""


class Candidate(NamedTuple):
    """An operation that may be the origin: its common name, its line, and whether it is the loss's."""

    operation: str
    source: Source
    in_loss: bool


def candidates(tracer: Tracer) -> tuple[Candidate, ...]:
    """The operations of a program that may be the origin."""
    return tuple(
        Candidate(_UNSAFE[type(planned.target).__name__], line, planned.operation.name.startswith(f"{LOSS}."))
        for planned, line in zip(tracer.planned, tracer.lines, strict=True)
        if line is not None and type(planned.target).__name__ in _UNSAFE
    )


def find(known: Iterable[Candidate], step: int, scalars: Mapping[str, float], values: decode.Values) -> Origin | None:
    """The only line that can be the origin in a step whose loss, a gradient or a weight was not finite, else None."""
    if decode.is_spoiled(values, "weight"):
        found, step = [each for each in known if each.operation in _STEEP], step - 1
    elif scalars.get("loss.nonfinite", 0) == 0:
        found = [each for each in known if each.operation in _STEEP]
    else:
        spoiled = scalars.get("prediction.nonfinite", 0) != 0
        found = [each for each in known if each.in_loss is not spoiled]
    if len({each.source for each in found}) != 1:
        return None
    return Origin(step, " or ".join(dict.fromkeys(each.operation for each in found)), None, found[0].source)
