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
    from deeplocalize.rules import all_rules, own_rules

    known = {key.lower(): each for each in all_rules() for key in (each.name, each.code)}
    found = known.get(rule.lower())
    if found is None:
        near = difflib.get_close_matches(rule.lower(), known, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "'deeplocalize rules' lists them"
        raise UsageError(f"there is no rule {rule!r}: {hint}")
    page = "\n".join(wrapped(found.doc.strip(), terminal_width()))
    file = f"\nAs a file: docs/rules/{found.name}.md\n" if found in own_rules() else ""
    echo(f"{found.code} {found.name} (severity: {found.severity.name.lower()})\n\n{page}\n{file}")


def wrapped(page: str, width: int) -> Iterator[str]:
    """The lines of a page, wrapped anew, where a line goes on in the next."""
    text = last = ""
    for line in page.splitlines():
        if text and line and _goes_on(last, line):
            text = f"{text} {line.strip()}"
        else:
            yield from _filled(text, width)
            text = line
        last = line
        if not line:
            yield ""
    yield from _filled(text, width)


def _goes_on(line: str, after: str) -> bool:
    """True if a line goes on in the one after it: no room was left in it, or it breaks off within a sentence."""
    if after.startswith("- "):
        return False
    full = len(line) + 1 + len(after.split()[0]) > SOURCE_WIDTH
    is_heading_or_link = len(line) < SOURCE_WIDTH // 2 or "://" in line
    return full or after.startswith("  ") or not (line.endswith((".", ":")) or is_heading_or_link)


def _filled(text: str, width: int) -> list[str]:
    indent = "  " if text.startswith("- ") else ""
    return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
