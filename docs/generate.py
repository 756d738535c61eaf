"""Write docs/rules/: a page for each rule, from its docstring, and an index by family. `make docs` calls it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path

from deeplocalize.cli.explain import wrapped
from deeplocalize.rules import HEADINGS, Rule, own_rules

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "rules"

INTRODUCTION = """\
# Rules

What can be recognized, by family. A page says what the fault means, how it is recognized, how to fix it and when the
rule is wrong; `deeplocalize explain NAME` prints it. What no rule answers is told in
[what is not covered](../not-covered.md), and how to add a rule in [writing a rule](../writing-a-rule.md).

These pages are made from the rules by `make docs`; change the rule, not the page.
"""


def pages() -> dict[str, str]:
    """Every file of the folder, by name, as it should be."""
    rules = own_rules()
    return {"README.md": _index(rules)} | {f"{rule.name}.md": _page(rule) for rule in rules}


def _index(rules: tuple[Rule, ...]) -> str:
    parts = [INTRODUCTION]
    for family, members in groupby(sorted(rules, key=lambda each: (each.family, each.code)), lambda each: each.family):
        about = inspect.getdoc(import_module(f"deeplocalize.rules.{family}")) or ""
        rows = [
            f"| {each.code} | {_severity(each)} | [{each.name}]({each.name}.md) | {each.title} |" for each in members
        ]
        head = ["| code | severity | rule | |", "|---|---|---|---|"]
        parts.append("\n".join([f"## {family}", "", about, "", *head, *rows, ""]))
    return "\n".join(parts)


def _page(rule: Rule) -> str:
    head = f"{rule.code} · severity {_severity(rule)} · family [{rule.family}](README.md#{rule.family})"
    page = "\n\n".join([f"# {rule.name}", head, *_paragraphs(rule.doc), *_settings(rule), *_links(rule)]) + "\n"
    return re.sub(r"^(- .*)\n\n(?=- )", r"\1\n", page, flags=re.MULTILINE)


def _paragraphs(doc: str) -> Iterator[str]:
    heading = ""
    for line in filter(None, wrapped(doc.strip(), 1_000_000)):
        if line in HEADINGS:
            heading = line
            yield f"## {line}"
        elif heading == HEADINGS[-1]:
            yield "- " + re.sub(r"https?://\S+", r"<\g<0>>", line)
        else:
            yield _escaped(line)


def _escaped(line: str) -> str:
    """The text with nothing in it that Markdown would take for markup, but for code in backticks and list items."""
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(part if at % 2 else re.sub(r"[*<\\]", r"\\\g<0>", part) for at, part in enumerate(parts))


def _settings(rule: Rule) -> Iterator[str]:
    if rule.limits:
        yield "## Limits"
        rows = [f"| `{name}` | {value:,g} |" for name, value in rule.limits.items()]
        yield "\n".join(["| limit | value |", "|---|---:|", *rows])
        yield f"Another value is set under `[tool.deeplocalize.limits.{rule.name}]` in `pyproject.toml`."
    yield "## See also"


def _links(rule: Rule) -> Iterator[str]:
    if rule.explains:
        yield f"Its symptoms: {', '.join(f'[{name}]({name}.md)' for name in sorted(rule.explains))}."
    source = Path(inspect.getfile(rule.check)).resolve().relative_to(ROOT)
    yield f"[The rule](../../{source}) · [programs with and without the fault](../../faults/{rule.name})"
    yield f"On a line that is meant to be so: `# deeplocalize: ignore[{rule.name}]`"


def _severity(rule: Rule) -> str:
    return rule.severity.name.lower()


def write() -> None:
    """Bring the folder up to date."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(wanted)} pages in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    write()
