"""What the user wants of a diagnosis: which rules judge, with which limits, and how weak a finding is still told."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from deeplocalize.diagnosis.sensitivity import LEVELS, Sensitivity
from deeplocalize.errors import UsageError
from deeplocalize.rules import Rule


@dataclass(frozen=True)
class Settings:
    """How a trace is judged. Without any, every rule judges, by its own limits.

    Attributes:
        select: the rules that judge, each as a name, a code, the beginning of codes (`L2`) or a family (`loss`); none
            means all.
        ignore: the rules that do not, even if they are selected.
        limits: by rule name, the limits that are to have another value.
        sensitivity: low, normal or high; see `deeplocalize.diagnosis.sensitivity`.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sensitivity: Sensitivity = "normal"

    def choose(self, rules: Sequence[Rule]) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
        """The rules that judge, with their limits, and the names of those that were left out.

        Raises:
            UsageError: a name means no rule or no limit, a limit is no number that it can be, or no rule is left.
        """
        if self.sensitivity not in LEVELS:
            raise UsageError(f"sensitivity is {self.sensitivity!r}; expected {', '.join(LEVELS)}")
        wanted = matching("select", self.select, rules) if self.select else {each.name for each in rules}
        wanted -= matching("ignore", self.ignore, rules)
        if rules and not wanted:
            raise UsageError("select and ignore leave no rule to judge by: select more, or ignore less")
        limits = {name: _limits(name, given, rules) for name, given in self.limits.items()}
        chosen = tuple(each.with_limits(limits.get(each.name, {})) for each in rules if each.name in wanted)
        return chosen, tuple(each.name for each in rules if each.name not in wanted)


def matching(key: str, selectors: Iterable[str], rules: Sequence[Rule]) -> set[str]:
    """The names of the rules that selectors mean. `key` is where they stand, for the message.

    Raises:
        UsageError: a selector means no rule.
    """
    found: set[str] = set()
    for selector in selectors:
        own = {each.name for each in rules if _means(selector.lower(), each)}
        if not own:
            words = {word for each in rules for word in (each.name, each.code.lower(), each.family)}
            raise UsageError(f"{key} has {selector!r}, which is no rule, code or family{_hint(selector, words)}")
        found |= own
    return found


def _means(selector: str, rule: Rule) -> bool:
    return selector in (rule.name, rule.family) or (selector != "" and rule.code.lower().startswith(selector))


def _limits(name: str, given: Mapping[str, float], rules: Sequence[Rule]) -> Mapping[str, float]:
    rule = next((each for each in rules if each.name == name), None)
    if rule is None:
        raise UsageError(f"limits has {name!r}, which is no rule's name{_hint(name, {each.name for each in rules})}")
    for limit, value in given.items():
        if limit not in rule.limits:
            known = f"; it has {', '.join(rule.limits)}" if rule.limits else "; it has none"
            raise UsageError(f"limits.{name} has {limit!r}, which is no limit of that rule{known}")
        whole = rule.counts(limit)
        if not math.isfinite(value) or (whole and value != int(value)):
            raise UsageError(f"limits.{name}.{limit} is {value:g}; expected a {'whole' if whole else 'finite'} number")
    return {limit: int(value) if rule.counts(limit) else value for limit, value in given.items()}


def _hint(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word.lower(), sorted(known), n=3)
    return f": did you mean {', '.join(near)}?" if near else "; 'deeplocalize rules' lists them"
