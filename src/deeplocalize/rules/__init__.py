"""What can be wrong: one small file for each fault, in a folder for each family.

A rule file holds a docstring with fixed headings and one function `check(trace, *, limit=...)` under `@rule`. The
file's name, with hyphens, is the rule's name. There is no list of rules to keep: `all_rules` walks the package.

Other distributions add rules of their own through the entry point group `deeplocalize.rules`: each entry names a module
that holds such a `check`, or a package of such modules.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from types import ModuleType

from deeplocalize.errors import UsageError
from deeplocalize.findings import Finding, NotEvaluated, Severity
from deeplocalize.trace.names import Series
from deeplocalize.trace.schema import Failure, Trace

PLUGINS = "deeplocalize.rules"
"""The entry point group of rules that other distributions bring."""

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
        family = module[-2] if len(module) > 1 else module[0]
        doc = inspect.getdoc(inspect.getmodule(check)) or ""
        return Rule(module[-1].replace("_", "-"), code, family, severity, needs, explains, doc, check)

    return decorate


def all_rules() -> tuple[Rule, ...]:
    """Every rule there is, by code: those of the package and those of other distributions.

    Raises:
        UsageError: two rules have the same name or code.
    """
    theirs = plugin_rules()[0]
    _refuse_clashes((*own_rules(), *theirs))
    return tuple(sorted((*own_rules(), *theirs), key=lambda each: each.code))


@functools.cache
def own_rules() -> tuple[Rule, ...]:
    """Every rule of this package, by code."""
    names = [module.name for module in pkgutil.walk_packages(__path__, __name__ + ".") if not module.ispkg]
    found = [getattr(importlib.import_module(name), "check", None) for name in names]
    return tuple(sorted((each for each in found if isinstance(each, Rule)), key=lambda each: each.code))


@functools.cache
def plugin_rules() -> tuple[tuple[Rule, ...], tuple[Failure, ...]]:
    """The rules of other distributions, and what of them could not be loaded. Whatever they do, the rest goes on."""
    found: dict[Rule, None] = {}
    failures: list[Failure] = []
    for entry in entry_points(group=PLUGINS):
        before = len(failures), len(found)
        for module in _loaded(entry.value.partition(":")[0].strip(), failures):
            check = getattr(module, "check", None)
            if isinstance(check, Rule):
                found[check] = None
        if (len(failures), len(found)) == before:
            failures.append(Failure(f"rules of {entry.name}", f"{entry.value} holds no check under @rule"))
    return tuple(found), tuple(failures)


def _loaded(name: str, failures: list[Failure]) -> Iterator[ModuleType]:
    """A module and, if it is a package, all modules in it; those that cannot be imported are noted and passed over."""
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        failures.append(Failure(f"rules of {name}", f"not loaded: {type(error).__name__}: {error}"))
        return
    yield module
    for inner in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        yield from _loaded(inner.name, failures)


def _refuse_clashes(rules: tuple[Rule, ...]) -> None:
    seen: dict[str, Rule] = {}
    for each in rules:
        for key in (each.name, each.code):
            if key in seen:
                homes = " and ".join(_unbound(one.check)[0].__module__ for one in (seen[key], each))
                raise UsageError(f"two rules are called {key}: in {homes}; rename one, or uninstall its distribution")
            seen[key] = each
