"""How far a rule can be trusted, as measured on programs whose fault is known; nobody's opinion.

The table `confidence.json` is written by `python -m bench calibrate`, which also says how it is counted.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import NamedTuple


class Confidence(NamedTuple):
    """What is known of a rule: it fired on so many programs, and was `right` on so many of them.

    `value`, in (0, 1), is the probability that it is right when it fires. `right` need not be whole: of a program that was
    run several times it is the share of the runs.
    """

    value: float
    right: float
    fired: int


def confidence_of(rule: str) -> Confidence | None:
    """The confidence of a rule; None if it was never seen to fire, as is so of rules from elsewhere."""
    return _table().get(rule)


@functools.cache
def _table() -> dict[str, Confidence]:
    text = resources.files(__package__).joinpath("confidence.json").read_text(encoding="utf-8")
    return {
        name: Confidence(each["confidence"], each["right"], each["fired"]) for name, each in json.loads(text).items()
    }
