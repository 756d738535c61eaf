import subprocess
import sys
from pathlib import Path

from bench.mutation import Mutant, mutants, table

ROOT = Path(__file__).parents[2]


def test_every_limit_is_made_ten_times_as_large_and_a_tenth():
    limits = {"share": 0.5, "steps": 20, "one": 1, "most": 0}
    found = {(each.limit, each.changed) for each in mutants("a", limits, {"steps", "one", "most"})}
    assert found == {
        ("share", 5.0),
        ("share", 0.05),
        ("steps", 200),
        ("steps", 2),
        ("one", 10),
        ("one", 0),
        ("most", 1),
    }


def test_the_table_names_rule_limit_and_both_values():
    assert table([Mutant("dead-units", "share", 0.9, 9.0)])[-1] == "| dead-units | `share` | 0.9 | 9 |"


def bench(*arguments):
    command = [sys.executable, "-m", "bench", "mutation", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_no_changed_limit_of_a_rule_goes_unnoticed():
    result = bench("--only", "evaluation-mode-left-on,label-encoding-mismatch")
    assert (result.stdout, result.returncode) == ("no change survives\n0 of 2 changes\n", 0), result.stderr


def test_a_rule_that_does_not_exist_is_refused():
    assert "there is no rule nothing" in bench("--only", "nothing").stderr
