import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from deeplocalize import cli
from deeplocalize.reports import Report

HEALTHY = "import torch\ntorch.train()\n"
FAULTY = "import torch\ntorch.train(faulty=True)\n"


def text(result):
    return result.stdout.decode(), result.stderr.decode()


def test_a_healthy_run_is_said_in_three_lines_and_ends_with_the_scripts_status(shell):
    shell.write(HEALTHY + "print('trained')\n")
    result = shell.deeplocalize("run", "train.py")
    out, err = text(result)
    assert out.startswith("trained\n\nHEALTHY: ")
    assert "loss 2.3 -> " in out
    assert "Again: deeplocalize diagnose " in out.splitlines()[-1]
    assert (err, result.returncode) == ("", 0)


@pytest.mark.parametrize(("ending", "own"), [("", 0), ("import sys; sys.exit(3)", 3), ("1 / 0", 1)])
def test_a_fault_is_status_1_and_exit_zero_keeps_the_scripts_own(shell, ending, own):
    shell.write(FAULTY + ending)
    found = shell.deeplocalize("run", "train.py")
    assert b"\nFAULTY: " in found.stdout
    assert found.returncode == 1
    assert shell.deeplocalize("run", "--exit-zero", "train.py").returncode == own


def test_a_healthy_training_in_a_script_that_fails_keeps_the_scripts_status(shell):
    shell.write(HEALTHY + "import sys\nsys.exit(3)\n")
    assert shell.deeplocalize("run", "train.py").returncode == 3


def test_a_run_too_short_to_judge_is_status_4(shell):
    shell.write("import torch\ntorch.train(steps=3)\n")
    result = shell.deeplocalize("run", "train.py")
    assert b"INCONCLUSIVE: only 3 training steps were seen" in result.stdout
    assert result.returncode == 4


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere.py"], "deeplocalize: cannot run nowhere.py: there is no such file"),
        (["."], "deeplocalize: cannot run .: it is a directory; name the script in it"),
        (["--output", ".", "train.py"], "deeplocalize: cannot write the report to .: it is a directory"),
        (
            ["--output", "no/x.json", "train.py"],
            "deeplocalize: cannot write the report to no/x.json: there is no directory",
        ),
        (
            ["--trace", "no/x.trace", "train.py"],
            "deeplocalize: cannot write a trace to no/x.trace: there is no directory",
        ),
        (
            ["--trace", "train.py", "train.py"],
            "deeplocalize: train.py exists already, and a trace never overwrites a file",
        ),
    ],
)
def test_wrong_use_is_refused_in_one_line_before_anything_runs(shell, arguments, line):
    shell.write("print('ran')")
    result = shell.deeplocalize("run", *arguments)
    out, err = text(result)
    assert err.startswith(line)
    assert (out, err.count("\n"), result.returncode) == ("", 1, 2)


def test_no_script_and_an_unknown_option_are_usage_errors(shell):
    assert shell.deeplocalize("run").returncode == 2
    assert shell.deeplocalize("run", "--no-such-option", "train.py").returncode == 2


def test_the_trace_goes_to_the_users_own_directory_below_the_temporary_one_and_diagnoses_the_same(shell):
    shell.write(FAULTY)
    out, _ = text(shell.deeplocalize("run", "train.py"))
    (trace,) = (shell.directory / "tmp").glob("deeplocalize-*/train-*.trace")
    assert trace.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(shell.work) == ["train.py"]
    again = shell.deeplocalize("diagnose", str(trace))
    assert again.stdout.decode() == out.removeprefix("\n")
    assert again.returncode == 1


def test_a_temporary_directory_that_somebody_else_made_is_not_used(shell):
    (shell.directory / "tmp" / f"deeplocalize-{os.getuid()}").symlink_to(shell.work)
    shell.write(HEALTHY)
    assert shell.deeplocalize("run", "train.py").returncode == 0
    assert os.listdir(shell.work) == ["train.py"]


def test_the_trace_goes_where_the_user_says_also_if_the_script_changes_directory(shell):
    shell.write("import os\nos.chdir('/')\n" + HEALTHY)
    assert shell.deeplocalize("run", "--trace", "my.trace", "train.py").returncode == 0
    assert (shell.work / "my.trace").stat().st_size > 0


def test_json_comes_after_the_scripts_output_or_goes_to_a_file(shell):
    shell.write(FAULTY + "print('{not ours}', end='')\n")
    out, _ = text(shell.deeplocalize("run", "--format", "json", "train.py"))
    report = json.loads(out.removeprefix("{not ours}\n"))
    assert report["verdict"] == "faulty"
    (shell.work / "r.json").write_text("old")
    out, _ = text(shell.deeplocalize("run", "--format=json", "--output=r.json", "train.py"))
    assert out == "{not ours}faulty: the report is in r.json\n"
    assert json.loads((shell.work / "r.json").read_text()) | {"trace": None} == report | {"trace": None}


def test_a_probe_that_breaks_is_reported_and_the_script_runs_on(shell):
    shell.write("import torch\nprint('trained')\n")
    shell.env["PROBE_FAILS"] = "1"
    result = shell.deeplocalize("run", "train.py")
    out, err = text(result)
    assert out.startswith("trained\n")
    assert "DeepLocalize failed in part: torch probe: ValueError: the probe is broken" in out
    assert (err, result.returncode) == ("", 4)


def test_a_trace_that_cannot_be_written_is_said_in_one_line_and_the_script_runs_on(shell):
    shell.write("import os\nos.rename('tmp', 'gone')\nopen('tmp', 'w').close()\nimport torch\nprint('trained')\n")
    (shell.work / "tmp").mkdir()
    result = shell.deeplocalize("run", "--trace", "tmp/x.trace", "train.py")
    out, err = text(result)
    assert out.startswith("trained\n")
    assert err.startswith("deeplocalize: cannot watch this run: ")
    assert err.count("\n") == 1


def test_a_report_that_raises_is_one_line_and_the_scripts_status_stands(shell, monkeypatch, capfd):
    def fail(*_, **__):
        raise ZeroDivisionError("[red]oops\nsecond line")

    shell.write(HEALTHY + "import sys\nsys.exit(3)\n")
    monkeypatch.setattr(Report, "of", fail)
    monkeypatch.setenv("PYTHONPATH", shell.env["PYTHONPATH"])
    monkeypatch.setenv("TMPDIR", shell.env["TMPDIR"])
    result = CliRunner().invoke(cli.main, ["run", str(shell.work / "train.py")])
    assert result.stderr.startswith(
        "deeplocalize: DeepLocalize itself failed: ZeroDivisionError: [red]oops second line ("
    )
    assert result.stderr.endswith("; the script ended with 3\n")
    assert (result.stderr.count("\n"), result.exit_code) == (1, 3)
    assert capfd.readouterr().err == ""


SLEEPY = "import torch\nprint('begun', flush=True)\ntry:\n    torch.train(steps=4000, pause=0.005)\nfinally:\n    print('cleaned up', flush=True)\n"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_script_as_without_us_and_the_report_still_comes(shell, number, status):
    shell.write(SLEEPY)
    running = shell.start("run", "train.py")
    assert running.stdout.readline() == "begun\n"
    time.sleep(0.3)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert "steps" in out
    assert running.returncode == (status if "HEALTHY" in out or "INCONCLUSIVE" in out else 1)
    assert ("cleaned up" in out) == ("KeyboardInterrupt" in err) == (number == signal.SIGINT)
    assert "deeplocalize: " not in err


TERMINAL = "import os, pty, sys\nsys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))\n"


def test_ctrl_c_on_a_terminal_interrupts_the_script_once(shell):
    shell.write(SLEEPY)
    command = [sys.executable, "-c", TERMINAL, sys.executable, "-m", "deeplocalize", "run", "train.py"]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, cwd=shell.work, env=shell.env, stdin=pipe, stdout=pipe, start_new_session=True)
    assert running.stdout.readline() == b"begun\r\n"
    time.sleep(0.5)
    out, _ = running.communicate(b"\x03", timeout=60)
    assert out.count(b"cleaned up") == out.count(b"\nKeyboardInterrupt") == 1
    assert b" steps, loss " in out
    assert running.returncode in (1, 130)


def test_a_script_that_is_killed_is_judged_by_what_was_recorded(shell):
    shell.write(HEALTHY + "import os, time\ntime.sleep(0.1)\nos.kill(os.getpid(), 9)\n")
    result = shell.deeplocalize("run", "train.py")
    out, _ = text(result)
    assert "60 steps" in out
    assert "The recording breaks off" in out
    assert result.returncode == 137


def test_stop_on_fault_ends_the_training_without_a_traceback(shell):
    shell.write(
        "import torch\ntry:\n    torch.train(steps=4000, faulty=True, pause=0.001)\nfinally:\n    print('cleaned up')\nprint('never')\n"
    )
    result = shell.deeplocalize("run", "--stop-on-fault", "--format", "json", "train.py")
    out, err = text(result)
    assert out.startswith("cleaned up\n\n{")
    report = json.loads(out.removeprefix("cleaned up\n"))
    assert report["verdict"] == "faulty"
    assert report["run"]["ended"] == "stopped"
    assert report["run"]["steps"] < 4000
    assert (err, result.returncode) == ("", 1)


def test_findings_are_told_on_a_terminal_while_the_run_goes_on(shell):
    shell.write("import torch\ntorch.train(steps=40, faulty=True)\n")
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "deeplocalize", "run", "train.py"]
    running = subprocess.Popen(
        command, cwd=shell.work, env=shell.env, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    )
    shown = os.read(ours, 10_000).decode()
    out, _ = running.communicate(timeout=60)
    os.close(theirs)
    os.close(ours)
    assert "deeplocalize: step 20: " in shown
    assert b"deeplocalize: step" not in out


def test_an_encoding_that_lacks_a_character_gets_an_escape(shell):
    shell.write(FAULTY, "größe.py")
    shell.env["PYTHONIOENCODING"] = "ascii"
    result = shell.deeplocalize("run", "--output", "größe.txt", "größe.py")
    assert result.stdout == b"faulty: the report is in gr\\xf6\\xdfe.txt\n"
    assert result.returncode == 1
    assert "FAULTY" in (shell.work / "größe.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("redirection", "status"), [(">&-", 1), ("2>&-", 1), ("| true", 1), ("> /dev/full", 0)])
def test_a_report_that_nobody_can_read_is_no_traceback(shell, redirection, status):
    shell.write(FAULTY)
    command = f"set -o pipefail; '{sys.executable}' -m deeplocalize run train.py {redirection}"
    result = subprocess.run(["bash", "-c", command], cwd=shell.work, env=shell.env, capture_output=True, timeout=60)
    assert b"Traceback" not in result.stderr
    assert b"Exception ignored" not in result.stderr
    assert result.returncode == status


COMMENTED = """
import torch
torch.train(steps=60, faulty=True)  # deeplocalize: ignore[normalized-twise]
# deeplocalize: ignore[missing-zero-grad]
"""


def test_comments_of_the_script_that_ignored_nothing_are_reported_and_the_script_is_not_run_twice(shell):
    shell.write(COMMENTED + "print('once')\n")
    result = shell.deeplocalize("run", "train.py", text=True)
    assert result.stdout.count("once") == 1
    assert "unused ignore comments: train.py:3 (normalized-twise)\n" in result.stdout.replace("\n(", " (")
    shell.write(COMMENTED.replace("twise", "twice"))
    line = json.loads(shell.deeplocalize("run", "--format", "json", "train.py", text=True).stdout)["unused_ignores"]
    assert [(each["source"], each["names"]) for each in line] == [
        ({"path": "train.py", "line": 3}, ["normalized-twice"])
    ]
