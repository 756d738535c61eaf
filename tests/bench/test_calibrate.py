import pytest

from bench.calibrate import PRIOR, Firing, confidence, firings, held_out, reliability, table
from bench.corpus import ROOT, Fault, Program
from bench.faults import Outcome


def program(folder, name, rule):
    fault = Fault(rule, ("loss",), (None,), ("x",)) if rule else None
    return Program(ROOT / folder / name / "buggy.py", fault, ("torch",), "accuracy", 0.5)


def outcome(at, *rules):
    return Outcome(at, "torch", 0, {"causes": [{"rule": rule} for rule in rules]}, (), None)


def test_a_program_counts_once_however_often_it_was_run():
    at = program("a", "torch", "a")
    assert firings([outcome(at, "a"), outcome(at, "a"), outcome(at)]) == [Firing("a", "a", "a/torch/buggy", 1.0)]


def test_a_rule_is_wrong_on_a_healthy_program_and_on_one_with_another_fault():
    found = firings([outcome(program("healthy", "x", None), "a"), outcome(program("b", "torch", "b"), "b", "a")])
    assert {(each.rule, each.program): each.right for each in found} == {
        ("a", "healthy/x/buggy"): 0.0,
        ("a", "b/torch/buggy"): 0.0,
        ("b", "b/torch/buggy"): 1.0,
    }


def test_the_confidence_of_a_rule_that_hardly_fired_is_near_that_of_all_others():
    others = [Firing("b", "b", f"b{n}", float(n % 4 > 0)) for n in range(40)]
    pool = (30 + 1) / (40 + 2)
    assert confidence("a", others) == pytest.approx(pool)
    assert confidence("a", [*others, Firing("a", "a", "p", 1.0)]) == pytest.approx((1 + PRIOR * pool) / (1 + PRIOR))


def test_many_firings_outweigh_the_others():
    known = [Firing("a", "a", str(n), 1.0) for n in range(200)] + [Firing("b", "b", "x", 0.0)]
    assert table(known)["a"] == {"fired": 200, "right": 200, "confidence": pytest.approx(0.984, abs=0.001)}
    assert table(known)["b"]["confidence"] < 0.9


def test_what_is_held_out_is_judged_without_its_own_folder():
    known = [Firing("a", "a", "p", 1.0), Firing("a", "healthy", "q", 0.0), Firing("b", "b", "r", 1.0)]
    assert held_out(known)[0] == (confidence("a", known[1:]), 1.0)


def test_the_reliability_table_sets_what_was_said_beside_what_was_right():
    rows = reliability([(0.96, 1.0), (0.97, 1.0), (0.3, 0.0)])
    assert rows[2:] == [
        "| 0.00 to 0.50 | 1 | 0.300 | 0.000  |",
        "| 0.95 to 0.98 | 2 | 0.965 | 1.000 ████████████████████ |",
    ]
