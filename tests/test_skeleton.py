"""`make rule` writes files that are ready but for what they say, and cannot be left so."""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deeplocalize.findings import LOCUS_KINDS
from deeplocalize.rules import HEADINGS, Rule
from deeplocalize.testing import make_trace

ROOT = Path(__file__).parents[1]


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


skeleton = load(ROOT / "docs" / "skeleton.py", "docs_skeleton")
form = load(ROOT / "tests" / "rules" / "test_all_rules.py", "form_tests")


@pytest.fixture
def root(tmp_path):
    for family in ("loop", "generalization"):
        (tmp_path / "src/deeplocalize/rules" / family).mkdir(parents=True)
        (tmp_path / "src/deeplocalize/rules" / family / "__init__.py").touch()
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\n## Unreleased\n\n- Something.\n")
    return tmp_path


@pytest.fixture
def rule(root):
    """The rule of a skeleton, loaded as if it lay in the package."""
    skeleton.write("loop", "left-running", root)
    path = root / "src/deeplocalize/rules/loop/left_running.py"
    return load(path, "deeplocalize.rules.loop.left_running").check


def test_it_writes_rule_test_fault_and_news(root):
    written = {str(path.relative_to(root)) for path in skeleton.write("loop", "left-running", root)}
    assert written == {
        "src/deeplocalize/rules/loop/left_running.py",
        "tests/rules/loop/test_left_running.py",
        "faults/left-running/fault.toml",
        *(f"faults/left-running/{each}.py" for each in ("torch/buggy", "torch/fixed", "keras/buggy", "keras/fixed")),
        "CHANGELOG.md",
    }
    assert all("TODO" in path.read_text() for path in root.rglob("*.*") if path.name != "__init__.py")
    news = (root / "CHANGELOG.md").read_text()
    assert news == "# Changes\n\n## Unreleased\n\n- TODO: left-running, in one line for a user.\n- Something.\n"


def test_the_rule_has_the_form_of_one(rule):
    assert isinstance(rule, Rule)
    assert (rule.name, rule.family, rule.limits) == ("left-running", "loop", {"most": 1.0})
    assert all(f"\n{heading}\n" in rule.doc for heading in HEADINGS)
    assert rule.code not in {each.code for each in form.RULES}
    form.test_the_code_is_a_letter_and_three_digits(rule)


@pytest.mark.parametrize(
    "test",
    [
        "test_the_page_has_every_heading_in_order_with_text_under_it",
        "test_every_limit_is_named_where_the_page_says_how",
        "test_the_page_fits_a_terminal_and_says_where_to_read_on",
        "test_nothing_is_left_to_do_in_the_files_of_a_rule",
    ],
)
def test_the_form_tests_fail_until_it_is_filled_in(rule, root, test, monkeypatch):
    monkeypatch.setattr(form, "ROOT", root)
    with pytest.raises(AssertionError):
        getattr(form, test)(rule)


def test_neither_rule_nor_fault_names_a_place_until_it_is_filled_in(rule, root):
    with pytest.raises(ValueError, match="unknown locus kind 'TODO'"):
        rule.run(make_trace())
    facts = tomllib.loads((root / "faults/left-running/fault.toml").read_text())
    assert facts["torch"]["kind"] not in LOCUS_KINDS
    assert not facts["symptom"].endswith(".")


def test_a_family_without_rules_gets_a_code_that_is_free(root):
    skeleton.write("generalization", "left-running", root)
    text = (root / "src/deeplocalize/rules/generalization/left_running.py").read_text()
    assert text.split('code="')[1][:4] not in {each.code for each in form.RULES}


@pytest.mark.parametrize(
    ("family", "name", "said"),
    [
        ("lop", "left-running", "expected one of generalization, loop"),
        ("loop", "LeftRunning", "lower-case words with hyphens"),
        ("loop", "dead-units", "already"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(root, family, name, said):
    with pytest.raises(ValueError, match=said):
        skeleton.write(family, name, root)


@pytest.mark.parametrize("words", [["rule", "loop", "a-b"], ["rule", "FAMILY=loop", "NAME=a-b"]])
def test_make_takes_family_and_name_either_way(words):
    # A dry run, as make would bring the environment up to date first.
    command = ["make", "--dry-run", "--old-file=.venv/test.stamp", *words]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60).stdout
    assert "docs/skeleton.py loop a-b" in said
