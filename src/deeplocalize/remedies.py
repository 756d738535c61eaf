"""What to change, as data: words for a person, and for some an intervention that can be tried."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Intervention:
    """A change to a program that surgery can carry out: `action` on `target` with `value`.

    For instance ("set-learning-rate", "optimizer", 0.001) or ("set-activation", "layer 3", "sigmoid").
    """

    action: str
    target: str
    value: str | float | int | bool | None = None


@dataclass(frozen=True)
class Remedy:
    """One thing to change. `before` and `after` are the code or setting as it is and as it should be, if short."""

    text: str
    before: str | None = None
    after: str | None = None
    intervention: Intervention | None = None
