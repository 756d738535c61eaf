"""What a program watches from epoch to epoch, to act when it gets no better."""

from __future__ import annotations

from dataclasses import dataclass

from deeplocalize.trace.source import Source


@dataclass(frozen=True)
class Monitor:
    """Something that watches a quantity from epoch to epoch, and stops the training or cuts the learning rate for it.

    `kind` is its class, `quantity` the name of what it watches. `takes` is the direction, up or down, that it takes for
    better, and `better` the one that is, None if that is not known. `stopped` and `restored` say whether it ended the
    training and set the weights of its best epoch, `cuts` how often it cut the rate. `best` is the value that it took for the
    best when it acted last, and `value` the one of that epoch. `source` is the line that gives the direction.
    """

    kind: str
    quantity: str
    takes: str
    better: str | None = None
    stopped: bool = False
    restored: bool = False
    cuts: int = 0
    best: float | None = None
    value: float | None = None
    source: Source | None = None
