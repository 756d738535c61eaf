"""`deeplocalize explain`: what a rule means."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator

import click

from deeplocalize.cli.output import echo, terminal_width
from deeplocalize.errors import UsageError

SOURCE_WIDTH = 120
"""The width that rule pages are written at."""


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
    page = "\n".join(wrapped(found.doc.strip(), terminal_width()))
    echo(f"{found.code} {found.name} (severity: {found.severity.name.lower()})\n\n{page}\n")


def wrapped(page: str, width: int) -> Iterator[str]:
    """The lines of a page, wrapped anew: a line goes on in the next if that one's first word found no room in it."""
    text = last = ""
    for line in page.splitlines():
        first = line.split(" ", 1)[0]
        if text and line and len(last) + 1 + len(first) > SOURCE_WIDTH:
            text = f"{text} {line}"
        else:
            yield from _filled(text, width)
            text = line
        last = line
        if not line:
            yield ""
    yield from _filled(text, width)


def _filled(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
