"""Rules that other distributions bring."""

import os
import subprocess
import sys

import pytest

from deeplocalize.diagnosis import Settings, diagnose
from deeplocalize.errors import UsageError
from deeplocalize.rules import all_rules, own_rules, plugin_rules
from deeplocalize.testing import make_trace

RULE = '''"""The loss is not to our taste.

What it means
It is what it is.
"""

from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.rules import rule


@rule(code="{code}", severity=Severity.LOW, needs=("loss",))
def check(trace, *, most: float = 0.0):
    """Yield one finding if there was a loss."""
    yield Finding("It is wrong.", Locus("loss"), (Evidence("x", 1, ">", most),), ())
'''


class Distribution:
    """An installed distribution with these modules and entry points."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self._monkeypatch = monkeypatch

    def install(self, entries, modules):
        for name, text in modules.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        info = self.folder / "acme_faults-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-faults\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(["[deeplocalize.rules]", *lines]) + "\n")
        self._monkeypatch.syspath_prepend(str(self.folder))
        plugin_rules.cache_clear()

    def deeplocalize(self, *arguments):
        path = os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, "-m", "deeplocalize", *arguments],
            env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    known = set(sys.modules)
    yield Distribution(tmp_path, monkeypatch)
    monkeypatch.undo()
    for name in set(sys.modules) - known:
        if name.startswith("acme"):
            del sys.modules[name]
    plugin_rules.cache_clear()


def names():
    return [each.name for each in plugin_rules()[0]]


def test_a_package_of_modules_brings_its_rules_with_family_and_page(distribution):
    modules = {
        "acme/__init__.py": "",
        "acme/taste/__init__.py": "",
        "acme/taste/ugly_loss.py": RULE.format(code="ACME1"),
    }
    modules["acme/taste/helpers.py"] = "x = 1\n"
    distribution.install({"acme": "acme"}, modules)
    assert names() == ["ugly-loss"]
    assert plugin_rules()[1] == ()
    (rule,) = (each for each in all_rules() if each.name == "ugly-loss")
    assert (rule.family, rule.title) == ("taste", "The loss is not to our taste")
    assert len(all_rules()) == len(own_rules()) + 1


def test_a_single_module_brings_a_rule_and_naming_it_twice_is_no_clash(distribution):
    distribution.install({"a": "acme_loss", "b": "acme_loss:check"}, {"acme_loss.py": RULE.format(code="ACME1")})
    assert names() == ["acme-loss"]
    assert [each.family for each in all_rules() if each.name == "acme-loss"] == ["acme_loss"]


def test_its_rules_judge_and_are_configured_like_any_other(distribution):
    distribution.install({"a": "acme_loss"}, {"acme_loss.py": RULE.format(code="ACME1")})
    assert "acme-loss" in [cause.rule.name for cause in diagnose(make_trace()).causes]
    settings = Settings(limits={"acme-loss": {"most": 2.0}})
    found = diagnose(make_trace(), settings=settings)
    assert "rule acme-loss" in [each.stage for each in found.failures]  # it raised: 1 is no evidence of more than 2
    assert "acme-loss" in diagnose(make_trace(), settings=Settings(ignore=("ACME",))).left_out


@pytest.mark.parametrize(
    "broken", ["raise ValueError('bug')\n", "import no_such_module\n", "def (\n", "raise SystemExit\n"]
)
def test_a_module_that_cannot_be_imported_is_a_failure_and_the_rest_goes_on(distribution, broken):
    modules = {"acme/__init__.py": "", "acme/bad.py": broken, "acme/good.py": RULE.format(code="ACME1")}
    modules |= {"acme/inner/__init__.py": broken}
    distribution.install({"acme": "acme", "gone": "acme_gone", "empty": "acme_empty"}, modules | {"acme_empty.py": ""})
    assert names() == ["good"]
    stages = [each.stage for each in diagnose(make_trace()).failures]
    assert sorted(stages) == ["rules of acme.bad", "rules of acme.inner", "rules of acme_gone", "rules of empty"]


@pytest.mark.parametrize(
    ("module", "code", "said"),
    [("acme_loss", "L202", "two rules are called L202"), ("dead_units", "ACME1", "two rules are called dead-units")],
)
def test_a_clash_of_names_or_codes_is_refused_in_one_line(distribution, module, code, said):
    distribution.install({"a": module}, {f"{module}.py": RULE.format(code=code), "train.py": "open('ran', 'w')\n"})
    with pytest.raises(UsageError, match=said):
        all_rules()
    for command in (["rules"], ["run", "train.py"]):
        result = distribution.deeplocalize(*command)
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert said in result.stderr
    assert not (distribution.folder / "ran").exists()


def test_the_command_lists_and_explains_its_rules_and_says_what_failed(distribution):
    distribution.install({"a": "acme_loss", "b": "acme_bad"}, {"acme_loss.py": RULE.format(code="ACME1")})
    listed = distribution.deeplocalize("rules")
    assert "ACME1  low     acme-loss" in listed.stdout
    assert "rules of acme_bad: not loaded: ModuleNotFoundError" in listed.stderr
    assert "It is what it is." in distribution.deeplocalize("explain", "acme1").stdout
