"""Does a test notice when a rule's limit changes? Every limit of every rule, ten times as large and a tenth.

For each change, in memory, the rule's own test file is run; a change that no test notices *survives*. A limit that cannot
be changed so (0, or a whole number that rounds to itself) is changed by 1.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import inspect
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FACTOR = 10
TESTS = Path(__file__).resolve().parents[1] / "tests" / "rules"


class Mutant(NamedTuple):
    """A limit of a rule with another value."""

    rule: str
    limit: str
    value: float
    changed: float


def mutants(rule: str, limits: dict[str, float], whole: set[str]) -> Iterator[Mutant]:
    """Both changes of each limit; `whole` are those that count."""
    for limit, value in limits.items():
        changes = [value * FACTOR, value / FACTOR] if value else [1]
        for change in changes:
            changed = round(change) if limit in whole else change
            yield Mutant(rule, limit, value, changed if changed != value else value - 1)


def survivors(name: str) -> tuple[int, list[Mutant]]:
    """The number of changes to a rule's limits, and those that its tests do not notice."""
    import pytest

    from deeplocalize.rules import own_rules

    rule = next(each for each in own_rules() if each.name == name)
    tests = TESTS / rule.family / f"test_{Path(inspect.getfile(rule.check)).name}"
    defaults = rule.check.__kwdefaults__ or {}  # type: ignore[attr-defined]
    run = functools.partial(pytest.main, ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(tests)])
    todo = list(mutants(name, dict(defaults), {limit for limit in defaults if rule.counts(limit)}))
    if todo and not _passes(run):
        raise SystemExit(f"the tests of {name} fail as they are: mend them first")
    unnoticed = []
    for each in todo:
        defaults[each.limit] = each.changed
        if _passes(run):
            unnoticed.append(each)
        defaults[each.limit] = each.value
    return len(todo), unnoticed


def _passes(run: functools.partial[int]) -> bool:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return run() == 0


def table(found: list[Mutant]) -> list[str]:
    """The survivors, as Markdown."""
    rows = [f"| {each.rule} | `{each.limit}` | {each.value:g} | {each.changed:g} |" for each in found]
    return ["| rule | limit | value | unnoticed |", "|---|---|---:|---:|", *rows]


def main(arguments: list[str] | None = None) -> None:
    """Try all changes and print those that no test notices."""
    from deeplocalize.rules import own_rules

    parser = argparse.ArgumentParser("python -m bench mutation", description=__doc__)
    parser.add_argument("--only", default="", help="rules, with commas; by default all")
    names = [each for each in parser.parse_args(arguments).only.split(",") if each]
    known = {each.name for each in own_rules()}
    if unknown := set(names) - known:
        parser.error(f"there is no rule {', '.join(sorted(unknown))}")
    os.chdir(TESTS.parents[1])  # where pytest finds its settings
    sys.dont_write_bytecode = True
    count, found = 0, []
    for name in names or sorted(known):
        tried, unnoticed = survivors(name)
        count, found = count + tried, found + unnoticed
    print("\n".join(table(found)) if found else "no change survives", f"{len(found)} of {count} changes", sep="\n")
    sys.exit(1 if found else 0)
