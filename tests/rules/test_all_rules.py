"""What holds for every rule, whoever wrote it."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import deeplocalize.rules
from deeplocalize.rules import HEADINGS, Rule, own_rules
from deeplocalize.trace.names import LAYER_STATES, SCALARS, TENSOR_ROLES, TENSOR_STATS, Series
from deeplocalize.trace.schema import FACTS

ROOT = Path(__file__).parents[2]
RULES = own_rules()
NAMES = {rule.name for rule in RULES}
LAYERS = {Series(role, stat) for role in TENSOR_ROLES for stat in TENSOR_STATS} | {
    Series("layer", state) for state in LAYER_STATES
}

every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])


def sections(rule: Rule) -> dict[str, str]:
    """The text under each heading of a rule's page."""
    heading = "|".join(HEADINGS)
    parts = re.split(rf"^({heading})\n", rule.doc, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def limits(rule: Rule) -> dict[str, inspect.Parameter]:
    """The parameters of a rule's check, without the trace."""
    parameters = dict(inspect.signature(rule.check).parameters)
    parameters.pop("trace")
    return parameters


def test_every_module_of_the_package_holds_one_rule():
    modules = [
        each for each in pkgutil.walk_packages(deeplocalize.rules.__path__, "deeplocalize.rules.") if not each.ispkg
    ]
    assert len(RULES) == len(modules) > 0


def test_no_two_rules_share_a_code_or_a_name():
    assert len({rule.code for rule in RULES}) == len(NAMES) == len(RULES)


@every_rule
def test_the_name_is_the_name_of_the_file(rule):
    assert Path(inspect.getfile(rule.check)).stem == rule.name.replace("-", "_")


@every_rule
def test_nothing_is_left_to_do_in_the_files_of_a_rule(rule):
    module = Path(inspect.getfile(rule.check))
    files = [module, ROOT / "tests" / "rules" / rule.family / f"test_{module.name}"]
    files += [path for path in (ROOT / "faults" / rule.name).rglob("*") if path.suffix in (".py", ".toml")]
    assert [path.name for path in files if "TODO" in path.read_text(encoding="utf-8")] == []


@every_rule
def test_the_code_is_a_letter_and_three_digits(rule):
    assert re.fullmatch(r"[A-Z]\d{3}", rule.code)


@every_rule
def test_the_page_begins_with_one_sentence_that_names_the_fault(rule):
    first, second = rule.doc.splitlines()[:2]
    assert re.fullmatch(r"[A-Z].{10,118}\.", first) and second == ""
    assert not re.search(r"\b(detects?|checks?|finds?|rule)\b", first, re.IGNORECASE)


@every_rule
def test_the_page_has_every_heading_in_order_with_text_under_it(rule):
    found = sections(rule)
    assert tuple(found) == HEADINGS
    assert all(len(text.split()) >= 5 for text in found.values())


@every_rule
def test_the_page_fits_a_terminal_and_says_where_to_read_on(rule):
    assert all(len(line) <= 160 for line in rule.doc.splitlines())
    assert re.search(r"https?://\S+", sections(rule)["References"])


@every_rule
def test_limits_are_keywords_with_a_default(rule):
    for name, limit in limits(rule).items():
        assert limit.kind is inspect.Parameter.KEYWORD_ONLY, name
        assert isinstance(limit.default, int | float), name


@every_rule
def test_every_limit_is_named_where_the_page_says_how(rule):
    text = " ".join(sections(rule)["How it is recognized"].split())
    for name in limits(rule):
        assert f"`{name}`" in text, f"{rule.name} does not explain its limit {name}"


@every_rule
def test_a_rule_explains_rules_that_exist_and_not_itself(rule):
    assert set(rule.explains) <= NAMES - {rule.name}
    assert len(set(rule.explains)) == len(rule.explains)


def test_no_rule_explains_a_rule_that_explains_it():
    explains = {rule.name: set(rule.explains) for rule in RULES}
    assert [(a, b) for a in explains for b in explains[a] if a in explains.get(b, ())] == []


@every_rule
def test_a_rule_needs_what_a_trace_can_hold(rule):
    for need in rule.needs:
        if isinstance(need, Series):
            assert need in LAYERS, need
        else:
            assert need in FACTS or need in SCALARS, need


@every_rule
def test_a_rule_file_is_short_and_knows_no_framework(rule):
    text = Path(inspect.getfile(rule.check)).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not {each.split(".")[0] for each in imported} & {"torch", "keras", "tensorflow", "jax"}
    assert not any(each.startswith("deeplocalize.frameworks") for each in imported)
