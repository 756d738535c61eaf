from pathlib import Path

import pytest

from bench.corpus import ROOT, Fault, Program, is_as_measured, mistakes, printed_result, reseeded
from bench.faults import Outcome, misses, steadiness, table, write_section

BUGGY = ROOT / "normalized-twice" / "torch" / "buggy.py"
FAULT = Fault("normalized-twice", ("activation-output",), (8,), ("nn.Softmax(dim=1)",))
LINE = next(n for n, text in enumerate(BUGGY.read_text().splitlines(), 1) if "nn.Softmax(dim=1)" in text)


def program(fault=FAULT, result=0.3, other=0.9):
    return Program(BUGGY, fault, ("torch",), "accuracy", result, other)


def report(*rules, verdict="faulty", kind="activation-output", layer=8, line=LINE):
    locus = {"kind": kind, "layer": {"index": layer}, "source": {"path": "buggy.py", "line": line}}
    causes = [{"rule": rule, "locus": locus, "message": "wrong"} for rule in rules]
    return {"verdict": verdict, "reason": "", "causes": causes}


def test_a_report_that_names_the_fault_and_its_place_is_right():
    assert mistakes(program(), report("normalized-twice", "vanishing-gradient")) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (report(verdict="healthy"), "missed"),
        (report("vanishing-gradient", "normalized-twice"), "first of vanishing-gradient, normalized-twice"),
        (report("normalized-twice", kind="loss"), "kind loss instead of activation-output"),
        (report("normalized-twice", layer=7), "layer 7 instead of 8"),
        (report("normalized-twice", line=1), "line 1"),
        (report("normalized-twice", line=9999), "line 9999 (none)"),  # of another file
    ],
)
def test_a_wrong_report_on_a_faulty_program_is_noticed(wrong, said):
    assert [text.startswith(said) for text in mistakes(program(), wrong)] == [True]


@pytest.mark.parametrize(
    ("wrong", "said"), [(report("dead-units"), "accused"), (report(verdict="inconclusive"), "inco")]
)
def test_a_wrong_report_on_a_healthy_program_is_noticed(wrong, said):
    assert [text.startswith(said) for text in mistakes(program(fault=None), wrong)] == [True]
    assert mistakes(program(fault=None), report(verdict="healthy")) == []


@pytest.mark.parametrize(
    ("result", "other", "seen", "same"),
    [
        (0.3, 0.9, 0.4, True),
        (0.3, 0.9, 0.8, False),
        (0.3, 0.9, None, True),
        (0.9, float("nan"), 0.1, True),
        (float("nan"), 0.9, float("nan"), True),
        (float("nan"), 0.9, 0.9, False),
        (None, 0.9, None, True),
    ],
)
def test_a_run_is_as_measured_if_it_is_nearer_to_its_own_result(result, other, seen, same):
    assert is_as_measured(program(result=result, other=other), seen) == same


def test_a_healthy_program_that_raises_is_not_as_measured():
    assert not is_as_measured(program(fault=None, result=0.9, other=0.3), None)


@pytest.mark.parametrize(
    ("output", "result"),
    [("epoch 3\naccuracy: 0.875", 0.875), ("loss nan", None), ("mse 1.5e-05\n", 1.5e-05), ("[-2.0]", -2.0), ("", None)],
)
def test_the_last_number_printed_is_the_result(output, result):
    found = printed_result(output)
    assert found == result or (result is None and (found is None or found != found))


def test_another_seed_changes_nothing_else(tmp_path):
    copy = reseeded(program(), 2, tmp_path).read_text().splitlines()
    changed = [(a, b) for a, b in zip(BUGGY.read_text().splitlines(), copy, strict=True) if a != b]
    assert changed == [("    torch.manual_seed(0)", "    torch.manual_seed(2000)")]


def outcome(wrong=(), fault=FAULT, rules=("normalized-twice",), **place):
    judged = program(fault, result=0.3 if fault else 0.9, other=0.9 if fault else 0.3)
    return Outcome(judged, "torch", 0, report(*rules, **place), wrong, judged.result)


def test_the_table_counts_each_kind_of_success_by_itself():
    outcomes = [
        outcome(),
        outcome(("line 1 ...",), line=1),
        outcome(("first of a",), rules=("a", "b", "normalized-twice")),
        outcome(("missed",), rules=()),
        outcome(fault=None, rules=()),
        outcome(("accused",), fault=None, rules=("a",)),
    ]
    assert table(outcomes)[-2] == "| torch | 4 | 50.0 % | 75.0 % | 50.0 % | 25.0 % | 2 | 50.0 % |"
    assert len(misses(outcomes)) == 4


def test_runs_with_other_seeds_are_compared_with_what_most_of_them_say():
    said = [report("normalized-twice")] * 3 + [report("normalized-twice", layer=2)]
    outcomes = [Outcome(program(), "torch", seed, each, (), 0.3) for seed, each in enumerate(said)]
    outcomes += [Outcome(program(fault=None), "keras-jax", seed, report(), (), 0.9) for seed in range(2)]
    assert "most seeds in 83.3 % of 6 runs" in steadiness(outcomes)[-1]
    assert steadiness(outcomes[:1]) == []


def test_a_section_replaces_the_one_of_its_name_and_no_other(tmp_path):
    path = Path(tmp_path / "RESULTS.md")
    write_section("cost", ["1"], path)
    write_section("faults", ["2"], path)
    write_section("cost", ["3"], path)
    assert path.read_text() == "# Results\n\n## cost\n\n3\n\n## faults\n\n2\n"
