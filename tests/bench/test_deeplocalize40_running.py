import json
import os
import sys
import time
import warnings

import pytest

from bench.deeplocalize40 import command, jobs, process
from bench.deeplocalize40.facts import cases
from bench.deeplocalize40.jobs import Job, do_here, do_on_ray
from bench.deeplocalize40.process import Limits, resident_megabytes, run
from bench.deeplocalize40.results import VERSION, Key, Store

KEY = Key("so-31880720", "buggy", "ours", "jax", 0, "abc", "def")


def python(code, folder, **limits):
    return run([sys.executable, "-c", code], folder, {}, Limits(**limits))


@pytest.fixture(autouse=True)
def not_stopping():
    process.stopping.clear()


def test_a_command_that_ends_by_itself_is_ok_or_failed_by_its_status(tmp_path):
    assert python("print(1)", tmp_path).how == "ok"
    failed = python("raise SystemExit('broken')", tmp_path)
    assert (failed.how, failed.status, failed.errors.strip()) == ("failed", 1, "broken")


def test_a_command_that_hangs_is_ended_with_all_its_processes(tmp_path):
    code = (
        "import subprocess, sys, time; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); time.sleep(60)"
    )
    began = time.monotonic()
    assert python(code, tmp_path, seconds=1).how == "timeout"
    assert time.monotonic() - began < 10
    child = int((tmp_path / "stdout").read_text())
    for _ in range(50):
        if not running(child):
            break
        time.sleep(0.1)
    assert not running(child)


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_command_that_eats_memory_is_ended(tmp_path):
    assert (
        python("import time; x = bytearray(300_000_000); time.sleep(60)", tmp_path, megabytes=200).how
        == "out-of-memory"
    )


def test_a_group_that_does_not_exist_has_no_memory():
    assert resident_megabytes(2**22 + 1) == 0


def test_results_are_kept_over_an_interruption_that_cut_the_last_line_off(tmp_path):
    path = tmp_path / "results.jsonl"
    Store(path).add(KEY, {"how": "ok"})
    with path.open("a") as file:
        file.write('{"key": ["so-3')
    other = KEY._replace(seed=1)
    Store(path).add(other, {"how": "timeout"})
    again = Store(path)
    assert again.get(KEY)["how"] == "ok"
    assert again.get(other)["how"] == "timeout"
    assert again.get(KEY._replace(tool="other source")) is None


@pytest.mark.parametrize("head", ['{"version": 0}', "nonsense", ""])
def test_results_of_another_version_are_kept_aside_and_said_so(tmp_path, head):
    path = tmp_path / "results.jsonl"
    path.write_text(f"{head}\nold results\n")
    store = Store(path)
    assert "expected 1" in store.notice and "results.old1" in store.notice
    assert "old results" in (tmp_path / "results.old1").read_text()
    assert json.loads(path.read_text())["version"] == VERSION
    path.write_text("x")
    assert "results.old2" in Store(path).notice


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tool", "nope"], "unknown tool 'nope', expected ours, icse21-paper, icse21-released, keras"),
        (["--backend", "mxnet"], "unknown backend 'mxnet', expected tensorflow, jax, torch"),
        (["--case", "so-1"], "unknown case 'so-1', expected one of the 41"),
        (["--data", "/nowhere"], "--data /nowhere: there is no such folder"),
        (["--data", "/"], "is missing and 14 more; expected DIR/<case>/<file>"),
        (["--jobs", "0"], "--jobs got 0, expected a number above 0"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, said):
    with pytest.raises(SystemExit) as refused:
        command.main(arguments)
    assert said in refused.value.code and "\n" not in refused.value.code


def job(name, monkeypatch):
    return Job(name, "buggy", "ours", "jax", 0, None, 10, 1000)


def test_jobs_are_yielded_as_they_finish(monkeypatch):
    monkeypatch.setattr(jobs, "do", lambda job: {"how": job.case})
    wanted = [job(str(number), monkeypatch) for number in range(5)]
    assert sorted(record["how"] for _, record in do_here(wanted, at_once=2)) == list("01234")


def test_jobs_that_are_running_end_when_the_caller_stops(monkeypatch, tmp_path):
    monkeypatch.setattr(jobs, "do", lambda job: python(f"import time; time.sleep({job.case})", tmp_path)._asdict())
    began = time.monotonic()
    finished = do_here([job(seconds, monkeypatch) for seconds in ("0", "60")], at_once=2)
    assert next(finished)[1]["how"] == "ok"
    finished.close()
    assert time.monotonic() - began < 20


def test_a_job_that_cannot_be_prepared_is_a_failed_run_and_not_the_end():
    record = jobs.do(Job("so-31880720", "no such version", "ours", "jax", 0, None, 10, 1000))
    assert record["how"] == "failed" and "no such version" in record["errors"]


@pytest.fixture
def fake_bench(monkeypatch, tmp_path):
    """The command with nothing real behind it: (main, the jobs that were done)."""
    done = []
    known = {
        name: {"class": "real-fault", "class_by_facts": "real-fault", "cures": [], "fixed_trains_well": True}
        for name in cases()
    }
    (tmp_path / "assessment.json").write_text(json.dumps(known))
    monkeypatch.setattr(command, "ASSESSMENT", tmp_path / "assessment.json")
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.jsonl")
    monkeypatch.setattr(command, "TABLE", tmp_path / "results.json")
    monkeypatch.setattr(
        command, "write_section", lambda title, lines: (tmp_path / "RESULTS.md").write_text("\n".join(lines))
    )

    def do(wanted, at_once):
        for job in wanted:
            done.append(job)
            yield job, {"how": "timeout", "seconds": 1.0, "status": -9, "errors": "", "answer": None}

    monkeypatch.setattr(command, "do_here", do)
    return command.main, done


def test_a_second_call_does_only_what_an_interrupted_first_one_left(fake_bench, monkeypatch, capsys):
    main, done = fake_bench

    def interrupted(wanted, at_once):
        for pair in zip(range(3), whole(wanted, at_once), strict=False):
            yield pair[1]
        raise KeyboardInterrupt

    whole = command.do_here
    monkeypatch.setattr(command, "do_here", interrupted)
    with pytest.raises(SystemExit) as stopped:
        main(["--case", "so-31880720", "--backend", "jax"])
    assert "interrupted: 3 of 4 runs are kept" in stopped.value.code
    monkeypatch.setattr(command, "do_here", whole)
    done.clear()
    main(["--case", "so-31880720", "--backend", "jax"])
    assert len(done) == 1
    main(["--case", "so-31880720", "--backend", "jax"])
    assert len(done) == 1
    assert "(timeout) no report" in capsys.readouterr().out


def test_results_files_are_written_only_if_nothing_was_left_out(fake_bench, tmp_path):
    main, done = fake_bench
    main(["--tool", "keras", "--backend", "jax"])
    assert not (tmp_path / "results.json").exists() and not (tmp_path / "RESULTS.md").exists()
    main(["--backend", "jax"])
    assert len(done) == 41 * 2 * 2
    whole = json.loads((tmp_path / "results.json").read_text())
    assert len(whole["cases"]) == 41 and "ours" in whole["totals"]["jax"]
    assert "### jax: totals" in (tmp_path / "RESULTS.md").read_text()


def test_a_case_that_was_not_assessed_is_refused(fake_bench, tmp_path):
    (tmp_path / "assessment.json").write_text("{}")
    with pytest.raises(SystemExit) as refused:
        fake_bench[0](["--case", "so-31880720"])
    assert "does not know so-31880720" in refused.value.code


def where(job):
    time.sleep(0.5)  # so that one worker does not do it all
    return {"how": job.case, "worker": os.getpid()}


def test_jobs_run_as_tasks_of_two_ray_workers(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    wanted = [job(str(number), monkeypatch) for number in range(6)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own
        records = [record for _, record in do_on_ray(wanted, 2, where)]
    assert sorted(record["how"] for record in records) == list("012345")
    assert len({record["worker"] for record in records}) == 2
