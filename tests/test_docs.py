"""The pages of the documentation say what the code says."""

import importlib.util
import re
from pathlib import Path

import pytest

from deeplocalize.rules import HEADINGS, own_rules

DOCS = Path(__file__).parents[1] / "docs"


def module(name):
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


generate = module("generate")


def test_the_pages_of_the_rules_are_up_to_date():
    there = {path.name: path.read_text(encoding="utf-8") for path in generate.FOLDER.glob("*.md")}
    stale = sorted(
        name for name in there.keys() | generate.pages().keys() if there.get(name) != generate.pages().get(name)
    )
    assert not stale, f"run `make docs`: {', '.join(stale)}"


def test_a_page_holds_every_word_of_its_rule_in_its_sections():
    for rule in own_rules():
        page = generate.pages()[f"{rule.name}.md"]
        assert re.findall(r"^## (.*)$", page, re.MULTILINE)[: len(HEADINGS)] == list(HEADINGS)
        words = re.sub(r"[<>\\]", "", page).split()
        assert not set(re.sub(r"[<>\\]", "", rule.doc).split()) - set(words)


def test_markup_in_a_rules_text_is_escaped_but_code_is_not():
    assert generate._escaped("a < b, `a * b < c`, 2 * 3") == "a \\< b, `a * b < c`, 2 \\* 3"


def test_the_index_lists_every_rule_once_under_its_family():
    index = generate.pages()["README.md"]
    for rule in own_rules():
        (section,) = [
            part for part in re.split(r"^## ", index, flags=re.MULTILINE) if part.startswith(f"{rule.family}\n")
        ]
        assert section.count(f"| {rule.code} | {rule.severity.name.lower()} | [{rule.name}]({rule.name}.md) |") == 1


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_every_file_that_a_page_links_to_is_there(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_nothing_is_left_to_do_in_the_news():
    assert "TODO" not in (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8")


def test_what_is_not_covered_goes_through_all_thirty_kinds_with_reason_and_substitute():
    rows = [
        line.split("|")[1:-1]
        for line in (DOCS / "not-covered.md").read_text(encoding="utf-8").splitlines()
        if line[:1] == "|"
    ]
    assert [row[0].strip() for row in rows[2:]] == [str(number) for number in range(1, 31)]
    assert all(len(cell.strip()) > 5 for row in rows[2:] for cell in row[1:])


def test_the_quotes_in_writing_a_rule_stand_in_the_files_they_are_said_to_be_from():
    text = (DOCS / "writing-a-rule.md").read_text(encoding="utf-8")
    quotes = re.findall(r"^From \[(.+?)\]\(.+?\):\n\n```\w+\n(.*?)\n```", text, re.MULTILINE | re.DOTALL)
    assert len(quotes) == 9
    for path, quote in quotes:
        assert quote in (DOCS.parent / path).read_text(encoding="utf-8"), path


def test_the_rules_that_what_is_not_covered_names_exist():
    text = (DOCS / "not-covered.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text))
    assert named and named <= {rule.name for rule in own_rules()}
