"""How weak a finding is still told: the reader's tolerance, in one place.

Three things are kept apart. *Severity* is the harm a fault does if it is one, and belongs to the rule. *Strength* is how
far past its limit the evidence is, and belongs to the finding. *Sensitivity* is how much of that the reader wants to hear,
and changes no finding: it only draws the line.

- `normal`: what the rules find by their own limits, all of it. The limits were chosen for that: no healthy program is to
  be accused.
- `low`: of this, what scores at least 1.5, a cause's score being severity (1 to 3) times strength (0.5 at the limit, 1 far
  past it). So a fault of high severity always passes, as it keeps a program from learning; one of medium severity with a
  strength of 0.75 or more, halfway (on a log scale) from the limit to as far as strength can tell; and one of low severity
  never, as it costs only time or some quality. For a gate that many programs must pass.
- `high`: besides, near misses: what a rule would find if one of its limits were half or twice as large. A factor of 2 is
  what runs of one program with other seeds differ by. They have a strength of 0.25, below that of any finding at its
  limit, name the limit in their message, and never explain what was found without them. For a program that is known not
  to learn: a limit is where it is so that no healthy program breaks it, and half of it promises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from deeplocalize.findings import Finding, NotEvaluated
from deeplocalize.rules import Rule
from deeplocalize.trace.schema import Trace

Sensitivity = Literal["low", "normal", "high"]


@dataclass(frozen=True)
class Tolerance:
    """The least score (severity times strength) of a cause that is told, and the factor by which limits may be missed."""

    least_score: float = 0.0
    factor: float = 1.0


LEVELS: dict[Sensitivity, Tolerance] = {"low": Tolerance(1.5), "normal": Tolerance(), "high": Tolerance(0.0, 2.0)}

NEAR_MISS = 0.25
"""The strength of a near miss."""


def near_misses(trace: Trace, rule: Rule, factor: float) -> tuple[Finding, ...]:
    """What a rule that finds nothing would find if one of its limits were moved by a factor, either way.

    Which way is the lenient one differs from limit to limit, and the one that finds something is it.
    """
    for limit, value, moved in _moved(rule, factor):
        answer = rule.with_limits({limit: moved}).run(trace)
        if not isinstance(answer, NotEvaluated) and answer:
            note = f"(A near miss: found with {limit} = {moved:g} in place of {value:g}.)"
            return tuple(replace(each, strength=NEAR_MISS, message=f"{each.message} {note}") for each in answer)
    return ()


def _moved(rule: Rule, factor: float) -> Iterator[tuple[str, float, float]]:
    for limit, value in rule.limits.items():
        # A share goes at most half of its way to 1, past which everything, or nothing, would break it.
        up = min(value * factor, (1 + value) / 2) if 0 < value < 1 else value * factor
        for moved in (value / factor, up):
            moved = round(moved) if rule.counts(limit) else moved
            if moved != value and (moved > 0 or value <= 0):
                yield limit, value, moved
