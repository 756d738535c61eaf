import dataclasses
import json

import pytest
from click.testing import CliRunner

from deeplocalize import cli
from deeplocalize.cli.explain import wrapped
from deeplocalize.reports import Report
from deeplocalize.rules import all_rules
from deeplocalize.testing import make_layer, make_run
from deeplocalize.trace import TraceLog
from deeplocalize.trace.file import Record
from deeplocalize.trace.kept import Kept


def invoke(*arguments):
    return CliRunner().invoke(cli.main, [str(each) for each in arguments])


@pytest.fixture
def trace(tmp_path):
    """A healthy training of 50 steps."""
    log = TraceLog(tmp_path / "a.trace")
    recorder = log.recorder()
    recorder.describe(run=make_run(), layers=[make_layer(index) for index in range(3)])
    for step in range(50):
        recorder.step(step, {"loss": 2.3 * 0.9**step, "loss.nonfinite": 0}, "zfbs")
    recorder.finish("completed")
    log.close()
    return log.path


def test_diagnose_ends_with_0_for_a_healthy_run_and_4_if_nothing_can_be_said(trace, tmp_path):
    assert invoke("diagnose", trace).exit_code == 0
    TraceLog(tmp_path / "b.trace").close()
    nothing = invoke("diagnose", tmp_path / "b.trace")
    assert nothing.output.startswith("INCONCLUSIVE: no training step was seen\n")
    assert nothing.exit_code == 4
    assert invoke("diagnose", "--exit-zero", tmp_path / "b.trace").exit_code == 0


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", None])
def test_a_file_that_is_no_trace_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "no.trace"
    if content is not None:
        path.write_bytes(content)
    result = invoke("diagnose", path)
    assert result.stderr.startswith(f"deeplocalize: {path} ")
    assert (result.stdout, result.stderr.count("\n"), result.exit_code) == ("", 1, 2)


def test_a_truncated_trace_is_diagnosed_as_far_as_it_goes_and_a_damaged_one_refused(trace):
    whole = trace.read_bytes()
    trace.write_bytes(whole[:-10])
    result = invoke("diagnose", trace)
    assert "The recording breaks off" in result.output
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0x40
    trace.write_bytes(damaged)
    result = invoke("diagnose", trace)
    assert "is damaged at byte" in result.stderr
    assert (result.stderr.count("\n"), result.exit_code) == (1, 2)


def test_a_trace_that_keeps_no_step_is_refused_by_replay(trace):
    result = invoke("replay", trace)
    assert result.stderr == (
        f"deeplocalize: {trace} keeps no step to replay: no value of it was seen that is not finite\n"
    )
    assert result.exit_code == 2


def test_replay_says_of_which_trainings_steps_are_kept(tmp_path):
    log = TraceLog(tmp_path / "a.trace")
    recorder = log.recorder()
    recorder.describe(run=dataclasses.replace(make_run(), framework="keras"), layers=[make_layer(0)])
    recorder.step(0, {"loss.nonfinite": 1}, "fbs")
    log.close()
    result = invoke("replay", log.path)
    assert "keeps no step to replay: that is done of trainings on the CPU" in result.stderr
    assert (result.stderr.count("\n"), result.exit_code) == (1, 2)


def test_replay_says_why_a_step_was_not_kept_and_which_one_is(tmp_path):
    log = TraceLog(tmp_path / "a.trace")
    recorder = log.recorder()
    recorder.keep(Kept(7, "torch", missing="it has a sparse tensor"))
    log.close()
    assert "step 7 cannot be replayed: it has a sparse tensor" in invoke("replay", log.path).stderr
    other = invoke("replay", log.path, "--step", 3)
    assert "keeps step 7, the first that was not finite; got --step 3" in other.stderr
    assert other.exit_code == 2


@pytest.mark.parametrize(
    "facts",
    [
        {"step": 1},
        {"step": 1, "framework": "torch", "program": [], "names": [], "missing": None},
        {"step": 1, "framework": "os", "program": {}, "names": [], "missing": None},
        {"step": 1, "framework": "torch", "program": {"operations": 3}, "names": [], "missing": None},
    ],
)
def test_a_kept_step_that_cannot_be_read_is_refused_in_one_line(tmp_path, facts):
    log = TraceLog(tmp_path / "a.trace")
    log.write(Record("kept", 0, facts))
    log.close()
    result = invoke("replay", log.path)
    assert (result.stdout, result.stderr.count("\n"), result.exit_code) == ("", 1, 2)


def test_diagnose_writes_json_to_a_file_and_says_so_in_one_line(trace, tmp_path):
    result = invoke("diagnose", trace, "--format", "json", "--output", tmp_path / "r.json")
    assert result.output == f"healthy: the report is in {tmp_path / 'r.json'}\n"
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "healthy"


def test_a_bug_of_ours_is_one_line_and_a_status_of_its_own(trace, monkeypatch):
    def fail(*_, **__):
        raise KeyError("\x1b[31mx\ny")

    monkeypatch.setattr(Report, "of", fail)
    result = invoke("diagnose", trace)
    assert result.stderr.startswith("deeplocalize: DeepLocalize itself failed: KeyError: ")
    assert "\x1b" not in result.stderr
    assert (result.stderr.count("\n"), result.exit_code) == (1, 70)


def test_rules_lists_every_rule_once_within_80_columns():
    lines = invoke("rules").output.splitlines()
    for rule in all_rules():
        assert sum(line.split()[-1:] == [rule.name] and rule.code in line for line in lines) == 1
    assert max(map(len, lines)) <= 80


def test_explain_prints_a_rules_page_by_name_or_code():
    for rule in all_rules():
        by_name, by_code = invoke("explain", rule.name), invoke("explain", rule.code.lower())
        assert by_name.output == by_code.output
        assert by_name.output.split()[4:] == [*rule.doc.split(), "As", "a", "file:", f"docs/rules/{rule.name}.md"]


def test_explain_wraps_a_page_to_the_terminal_and_keeps_its_own_line_breaks():
    full = "word " * 23 + "word"  # 119 characters: the next word had no room
    page = f"Title.\n\nHeading\n{full}\nrest of it.\nA line of its own.\n"
    lines = list(wrapped(page, 70))
    assert lines[:3] == ["Title.", "", "Heading"]
    assert lines[-1] == "A line of its own."
    assert lines[-2].startswith("word") and lines[-2].endswith("rest of it.")
    assert max(map(len, lines)) <= 70


def test_explain_suggests_the_nearest_rules():
    name = all_rules()[0].name
    result = invoke("explain", name[:-1])
    assert f"did you mean {name}" in result.stderr
    assert result.exit_code == 2
    assert (
        invoke("explain", "\x1b[1m").stderr
        == "deeplocalize: there is no rule '\\x1b[1m': 'deeplocalize rules' lists them\n"
    )


@pytest.mark.parametrize("command", ["run", "diagnose", "rules", "explain"])
def test_help_describes_every_option(command):
    result = invoke(command, "--help")
    assert result.exit_code == 0
    for parameter in cli.main.commands[command].params:
        if parameter.param_type_name == "option":
            assert parameter.help
            assert parameter.opts[-1] in result.output
