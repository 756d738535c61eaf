"""What can be wrong: one small file for each fault, in a folder for each family.

A rule file holds a docstring with fixed headings and one function `check(trace, *, limit=...)` under `@rule`. The
file's name, with hyphens, is the rule's name. There is no list of rules to keep: `all_rules` walks the package.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from deeplocalize.findings import Finding, NotEvaluated, Severity
from deeplocalize.trace.schema import Series, Trace

HEADINGS = (
    "What it means",
    "Why it hurts",
    "How it is recognized",
    "How to fix it",
    "When it is wrong",
    "References",
)

Check = Callable[[Trace], Iterator[Finding]]


class CannotEvaluate(Exception):  # noqa: N818 - an answer, not an error
    """Raised by a rule that finds, on a closer look, that it has nothing to judge by. The message says why."""


@dataclass(frozen=True)
class Rule:
    """A fault that can be recognized in a trace.

    `explains` names rules whose findings are symptoms of this fault; `needs` what must be in the trace.
    """

    name: str
    code: str
    family: str
    severity: Severity
    needs: tuple[str | Series, ...]
    explains: tuple[str, ...]
    doc: str
    check: Check

    @property
    def title(self) -> str:
        """The first line of the rule's page."""
        return self.doc.strip().splitlines()[0].rstrip(".")

    @property
    def limits(self) -> dict[str, float]:
        """The numbers by which the rule decides, by name."""
        plain, given = _unbound(self.check)
        return {**(getattr(plain, "__kwdefaults__", None) or {}), **given}

    def counts(self, limit: str) -> bool:
        """True if a limit is a whole number, such as a number of steps."""
        return getattr(_unbound(self.check)[0], "__annotations__", {}).get(limit) in ("int", int)

    def with_limits(self, limits: Mapping[str, float]) -> Rule:
        """The same rule with some of its limits at other values."""
        plain, given = _unbound(self.check)
        return replace(self, check=functools.partial(plain, **{**given, **limits})) if limits else self

    def run(self, trace: Trace) -> tuple[Finding, ...] | NotEvaluated:
        """Judge a trace: findings, strongest first, or why it could not be judged."""
        if missing := trace.missing(*self.needs):
            return NotEvaluated(self.name, f"not recorded: {', '.join(missing)}")
        try:
            found = [replace(finding, rule=self.name) for finding in self.check(trace)]
        except CannotEvaluate as answer:
            return NotEvaluated(self.name, str(answer))
        return tuple(sorted(found, key=lambda finding: -finding.strength))


def _unbound(check: Check) -> tuple[Check, dict[str, float]]:
    """A check as it was written, and the limits that were set for it since."""
    return (check.func, check.keywords) if isinstance(check, functools.partial) else (check, {})


def rule(
    *, code: str, severity: Severity, needs: tuple[str | Series, ...] = (), explains: tuple[str, ...] = ()
) -> Callable[[Check], Rule]:
    """Make a rule of a check function; its name, family and page come from the module it stands in."""

    def decorate(check: Check) -> Rule:
        module = check.__module__.split(".")
        doc = inspect.getdoc(inspect.getmodule(check)) or ""
        return Rule(module[-1].replace("_", "-"), code, module[-2], severity, needs, explains, doc, check)

    return decorate


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of the package, by code."""
    found = []
    for module in pkgutil.walk_packages(__path__, __name__ + "."):
        if not module.ispkg:
            check = getattr(importlib.import_module(module.name), "check", None)
            if isinstance(check, Rule):
                found.append(check)
    return tuple(sorted(found, key=lambda each: each.code))
