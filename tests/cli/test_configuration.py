import json

import pytest

from deeplocalize.cli.configuration import settings_for
from deeplocalize.diagnosis import Settings
from deeplocalize.errors import UsageError

FAULTY = "import torch\ntorch.train(steps=60, faulty=True)\nprint('trained')\n"
CONFIGURED = """
[tool.deeplocalize]
select = ["loss", "O3"]
ignore = ["L210"]
sensitivity = "low"
[tool.deeplocalize.limits.normalized-twice]
steps = 30
"""


def configure(directory, text):
    (directory / "pyproject.toml").write_text(text)


def test_a_table_becomes_settings(tmp_path):
    configure(tmp_path, CONFIGURED)
    limits = {"normalized-twice": {"steps": 30.0}}
    assert settings_for(tmp_path) == Settings(("loss", "O3"), ("L210",), limits, "low")


def test_the_nearest_table_upwards_holds_and_a_file_without_one_is_passed_by(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    configure(tmp_path, CONFIGURED)
    configure(inner.parent, "[project]\nname = 'x'\n")
    assert settings_for(inner).sensitivity == "low"
    configure(inner, "[tool.deeplocalize]\n")
    assert settings_for(inner) == Settings()


def test_without_a_table_or_an_option_nothing_is_set(tmp_path):
    assert settings_for(tmp_path) is None
    assert settings_for(tmp_path, "high") == Settings(sensitivity="high")


def test_the_option_of_the_command_goes_before_the_file(tmp_path):
    configure(tmp_path, CONFIGURED)
    assert settings_for(tmp_path, "high").sensitivity == "high"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.deeplocalize\n", "is no valid TOML: "),
        ("[tool]\ndeeplocalize = 3\n", "[tool.deeplocalize]: expected a table, got int"),
        ("[tool.deeplocalize]\nselct = []\n", "has 'selct'; expected one of select, ignore, limits, sensitivity"),
        ("[tool.deeplocalize]\nselect = 'loss'\n", "select: expected an array, got a string"),
        ("[tool.deeplocalize]\nignore = [1]\n", "ignore: expected a string, got int at [0]"),
        (
            "[tool.deeplocalize]\nignore = ['softmax-on-one']\n",
            "no rule, code or family: did you mean softmax-on-one-u",
        ),
        ("[tool.deeplocalize]\nselect = ['zzz']\n", "'deeplocalize rules' lists them"),
        ("[tool.deeplocalize]\nselect = ['']\n", "select has ''"),
        ("[tool.deeplocalize]\nselect = ['loss']\nignore = ['L']\n", "leave no rule"),
        (
            "[tool.deeplocalize]\nsensitivity = 'hihg'\n",
            "sensitivity: invalid enum value 'hihg' (one of low, normal, high)",
        ),
        ("[tool.deeplocalize]\nlimits = 1\n", "limits: expected a table, got int"),
        ("[tool.deeplocalize.limits]\ndead-unit = {}\n", "no rule's name: did you mean dead-units"),
        ("[tool.deeplocalize.limits.dead-units]\nshre = 1\n", "no limit of that rule; it has share, examples"),
        (
            "[tool.deeplocalize.limits.dead-units]\nshare = '1'\n",
            "limits.dead-units.share: expected a number, got a string",
        ),
        ("[tool.deeplocalize.limits.dead-units]\nshare = true\n", "expected a number, got bool"),
        ("[tool.deeplocalize.limits.dead-units]\nshare = nan\n", "is nan; expected a finite number"),
        ("[tool.deeplocalize.limits.dead-units]\nexamples = 1.5\n", "is 1.5; expected a whole number"),
    ],
)
def test_what_cannot_be_done_is_refused_with_file_place_and_expectation(tmp_path, text, said):
    configure(tmp_path, text)
    with pytest.raises(UsageError) as refused:
        settings_for(tmp_path)
    assert said in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "pyproject.toml"))


def test_nothing_is_run_with_a_wrong_configuration(shell):
    shell.write("open('ran', 'w')\n")
    configure(shell.work, "[tool.deeplocalize]\nignore = ['normalised-twice']\n")
    result = shell.deeplocalize("run", "train.py", text=True)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "did you mean normalized-twice" in result.stderr
    assert not (shell.work / "ran").exists()


def test_an_ignored_rule_is_left_out_of_the_report_of_run_and_diagnose(shell):
    (shell.work / "sub").mkdir()
    shell.write(FAULTY, "sub/train.py")
    assert shell.deeplocalize("run", "--trace", "a.trace", "sub/train.py").returncode == 1
    configure(shell.work / "sub", "[tool.deeplocalize]\nignore = ['normalized-twice']\n")
    ran = shell.deeplocalize("run", "--format", "json", "--output", "r.json", "sub/train.py")
    assert ran.returncode == 0
    report = json.loads((shell.work / "r.json").read_text())
    assert report["settings"]["left_out"] == ["normalized-twice"]
    assert "normalized-twice" not in [each["rule"] for each in report["not_evaluated"]]
    assert shell.deeplocalize("diagnose", "a.trace").returncode == 1
    configure(shell.work, "[tool.deeplocalize]\nignore = ['L202']\n")
    again = shell.deeplocalize("diagnose", "a.trace", text=True)
    assert again.returncode == 0
    assert "left out: 1 rule (by the settings)" in again.stdout


def test_a_training_is_not_stopped_for_an_ignored_fault(shell):
    shell.write(FAULTY)
    stopped = shell.deeplocalize("run", "--stop-on-fault", "train.py", text=True)
    assert "trained" not in stopped.stdout
    configure(shell.work, "[tool.deeplocalize]\nignore = ['normalized-twice']\n")
    assert "trained" in shell.deeplocalize("run", "--stop-on-fault", "train.py", text=True).stdout


def test_a_module_is_configured_from_the_current_directory(shell):
    (shell.work / "package").mkdir()
    shell.write("", "package/__init__.py")
    shell.write(FAULTY, "package/train.py")
    configure(shell.work, "[tool.deeplocalize]\nignore = ['normalized-twice']\n")
    assert shell.deeplocalize("run", "-m", "package.train").returncode == 0
