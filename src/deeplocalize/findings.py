"""What a rule says when it recognizes a fault: a finding with a locus and evidence that can be checked."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Literal

from deeplocalize.remedies import Remedy
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Source

LOCUS_KINDS = (
    "activation-output activation-hidden initializer output-units layer-missing layer-extra layer-width kernel-size "
    "dropout batchnorm regularizer loss optimizer learning-rate batch-size epochs input-scaling target-scaling "
    "label-encoding data training-loop"
).split()
"""Where a fix can go; the vocabulary of the JSON report and of every benchmark."""


class Severity(enum.IntEnum):
    """The harm a fault does if it is one. A property of the rule, not of a finding."""

    LOW = 1  # wastes time or quality
    MEDIUM = 2  # training is much worse than it could be
    HIGH = 3  # the program cannot learn what it is meant to


@dataclass(frozen=True)
class Locus:
    """Where the fix goes: its kind, the index of the layer (None if it is not in a layer), and the user's line."""

    kind: str
    layer: int | None = None
    source: Source | None = None

    def __post_init__(self) -> None:
        if self.kind not in LOCUS_KINDS:
            raise ValueError(f"unknown locus kind {self.kind!r}; expected one of {', '.join(LOCUS_KINDS)}")


@dataclass(frozen=True)
class Evidence:
    """One checkable number: `observed` stands in `relation` to `limit`.

    `what` names the quantity with its unit, `series` the column it was read from, `steps` the steps.

    Raises:
        ValueError: the observation does not break the limit, so it is no evidence.
    """

    what: str
    observed: float
    relation: Literal[">", ">=", "<", "<=", "==", "!="]
    limit: float
    series: Series | None = None
    steps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        observed, limit = float(self.observed), float(self.limit)
        holds = {
            ">": observed > limit,
            ">=": observed >= limit,
            "<": observed < limit,
            "<=": observed <= limit,
            "==": observed == limit,
            "!=": observed != limit,
        }[self.relation]
        if not holds or math.isnan(limit):
            raise ValueError(f"no evidence: {self.what} is {observed:g}, which is not {self.relation} {limit:g}")


@dataclass(frozen=True)
class Finding:
    """A fault a rule recognized.

    `message` is one sentence in the user's words; `strength`, in (0, 1], says how far past its limit the evidence is
    (see `strength_of`); `first_step` is the optimizer step from which the fault shows, None for a fault that stands
    in the program itself. `rule` is filled in by the rule's decorator.
    """

    message: str
    locus: Locus
    evidence: tuple[Evidence, ...]
    remedies: tuple[Remedy, ...]
    strength: float = 1.0
    first_step: int | None = None
    rule: str = ""

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError("a finding needs evidence")
        if not 0 < self.strength <= 1:
            raise ValueError(f"strength is {self.strength}; expected a number in (0, 1]")


def strength_of(observed: float, limit: float, *, decades: float = 2.0) -> float:
    """How far `observed` is past `limit`, on a log scale: 0.5 at the limit, 1 at `decades` powers of ten past it.

    Both must be positive; the direction does not matter. 0 or infinity counts as infinitely far.
    """
    if observed <= 0 or limit <= 0 or math.isinf(observed):
        return 1.0
    return min(1.0, 0.5 + 0.5 * abs(math.log10(observed / limit)) / decades)


@dataclass(frozen=True)
class NotEvaluated:
    """A rule that had nothing to judge by, and why. It is never counted as healthy."""

    rule: str
    why: str
