"""`deeplocalize explain`: what a rule means."""

from __future__ import annotations

import difflib

import click

from deeplocalize.cli.output import echo
from deeplocalize.errors import UsageError


@click.command()
@click.argument("rule", metavar="NAME-OR-CODE")
def explain(rule: str) -> None:
    """Print a rule's page: what the fault means, how it is recognized and how to fix it."""
    from deeplocalize.rules import all_rules

    known = {key.lower(): each for each in all_rules() for key in (each.name, each.code)}
    found = known.get(rule.lower())
    if found is None:
        near = difflib.get_close_matches(rule.lower(), known, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "'deeplocalize rules' lists them"
        raise UsageError(f"there is no rule {rule!r}: {hint}")
    echo(f"{found.code} {found.name} (severity: {found.severity.name.lower()})\n\n{found.doc.strip()}\n")
