import json
import math

import numpy as np
import pytest

from bench.deeplocalize40 import quality
from bench.deeplocalize40.assess import judged
from bench.deeplocalize40.facts import cases
from bench.deeplocalize40.keras_baselines import verdicts
from bench.deeplocalize40.programs import script
from bench.deeplocalize40.quality import Quality, is_cure, measure, trains_well
from bench.deeplocalize40.scoring import (
    NO_FAULT,
    NOT_THE_CURE,
    REAL,
    Locus,
    is_false_alarm,
    score_icse21,
    score_keras,
    score_ours,
    truth,
)
from bench.deeplocalize40.table import by_the_facts, markdown, plain, rows, totals

SOFTMAX = Locus("activation-output", frozenset({6, 7}), frozenset({30, 31}))
RATE = Locus("learning-rate", frozenset({None}), frozenset({40, 41}))
CASE = cases()["so-31880720"]


def cause(kind="activation-output", layer=7, line=31, path="train.py"):
    place = None if layer is None else {"index": layer, "name": "x", "type": "Dense"}
    locus = {"kind": kind, "layer": place, "source": {"path": path, "line": line}}
    return {"rule": "some-rule", "locus": locus, "first_step": 3}


def report(*causes, verdict="faulty"):
    return {"verdict": verdict, "causes": list(causes)}


def test_the_first_cause_with_kind_layer_and_line_is_right_in_everything():
    score = score_ours(report(cause()), [RATE, SOFTMAX])
    assert (score.detected, score.top1, score.top3, score.line, score.step) == (True, True, True, True, 3)


def test_the_third_cause_counts_among_the_first_three_and_the_fourth_does_not():
    wrong = cause(kind="dropout")
    assert score_ours(report(wrong, wrong, cause()), [SOFTMAX]).top3
    assert not score_ours(report(wrong, wrong, cause()), [SOFTMAX]).top1
    assert not score_ours(report(wrong, wrong, wrong, cause()), [SOFTMAX]).top3


@pytest.mark.parametrize("wrong", [cause(kind="loss"), cause(layer=5), cause(layer=None)])
def test_another_kind_or_layer_is_detected_and_not_localized(wrong):
    score = score_ours(report(wrong), [SOFTMAX])
    assert score.detected and not score.top3 and not score.line


def test_a_fault_in_no_layer_must_not_be_put_into_one():
    assert score_ours(report(cause("learning-rate", None, 40)), [RATE]).top1
    assert not score_ours(report(cause("learning-rate", 2, 40)), [RATE]).top1


def test_the_line_counts_only_in_the_script_and_for_the_fault_that_is_named():
    assert not score_ours(report(cause(line=40)), [SOFTMAX, RATE]).line
    assert not score_ours(report(cause(path="keras/layer.py")), [SOFTMAX]).line


@pytest.mark.parametrize("answer", [None, report(verdict="healthy"), report(verdict="inconclusive")])
def test_only_the_verdict_faulty_is_a_detection(answer):
    assert not score_ours(answer, [SOFTMAX]).detected


def test_a_message_about_a_layer_stands_for_every_fault_of_that_layer():
    said = {"message": "EAA", "layer": 7, "step": 4}
    assert score_icse21(said, [SOFTMAX], CASE).top1
    assert not score_icse21(said | {"layer": 3}, [SOFTMAX], CASE).top1


@pytest.mark.parametrize(
    ("message", "layer", "kind", "right"),
    [
        ("EBDW", 3, "learning-rate", True),
        ("EAA", 3, "learning-rate", False),
        ("EAA", 0, "input-scaling", True),
        ("EAA", 3, "input-scaling", False),
        ("EAA", 6, "loss", True),
        ("ELF", None, "learning-rate", True),
        ("MDL", None, "epochs", True),
        ("MDL", None, "input-scaling", False),
    ],
)
def test_what_a_message_can_stand_for_beside_a_fault_of_its_layer(message, layer, kind, right):
    said = {"message": message, "layer": layer, "step": 0}
    assert score_icse21(said, [Locus(kind, frozenset({None}), frozenset())], CASE).top1 == right


def test_cm_and_a_callback_that_goes_on_are_no_detection():
    assert not score_icse21({"message": "CM", "layer": None, "step": 9}, [SOFTMAX], CASE).detected
    assert not score_keras(None).detected
    assert score_keras(0).detected


def test_early_stopping_detects_before_the_last_epoch_and_nan_whenever_it_comes():
    stopped = {"EarlyStopping(loss)": [2, 30], "EarlyStopping(accuracy)": [1, 20], "TerminateOnNaN": [2, 25]}
    found = verdicts(stopped, epochs=3)
    assert found["EarlyStopping(loss)"] is None
    assert (found["EarlyStopping(accuracy)"], found["TerminateOnNaN"], found["union"]) == (20, 25, 20)
    assert verdicts({}, epochs=3)["union"] is None


def test_where_the_declared_fix_is_not_the_cure_only_measured_cures_count():
    cure = {"kind": "input-scaling", "layer": None, "what": "standardized inputs", "declared": False}
    made = script(CASE, "buggy")
    assert [each.kind for each in truth(CASE, {"class": NOT_THE_CURE, "cures": [cure]}, made)] == ["input-scaling"]
    assert "activation-output" in [
        each.kind for each in truth(CASE, {"class": REAL, "class_by_facts": REAL, "cures": [cure]}, made)
    ]
    assert truth(CASE, {"class": NO_FAULT, "cures": []}, made) == []


def test_an_alarm_is_false_on_a_program_without_fault_and_on_a_repaired_one_that_trains_well():
    sound, poor = ({"class": REAL, "fixed_trains_well": well} for well in (True, False))
    assert is_false_alarm("fixed", True, sound)
    assert not is_false_alarm("fixed", True, poor)
    assert not is_false_alarm("buggy", True, sound)
    assert not is_false_alarm("fixed", False, sound)
    assert is_false_alarm("buggy", True, {"class": NO_FAULT, "fixed_trains_well": False})


def test_skill_is_measured_against_the_best_constant_answer():
    labels = np.array([[0], [0], [0], [1]])
    found = measure("binary", np.array([[0.1], [0.2], [0.1], [0.9]]), labels, labels, 0.1, "binary_crossentropy")
    assert (found.accuracy, found.constant_accuracy, found.skill) == (1.0, 0.75, 1.0)
    assert found.constant_loss == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    always = measure("binary", np.ones((4, 1)), labels, labels, 9.0, "binary_crossentropy")
    assert always.skill < 0


def test_the_skill_of_a_regression_is_its_explained_variance():
    targets = np.arange(10.0)[:, None]
    assert measure("regression", targets, targets, targets, 0.0, "mean_squared_error").skill == 1
    flat = measure("regression", np.full((10, 1), 4.5), targets, targets, 8.25, "mean_squared_error")
    assert (flat.skill, flat.constant_loss) == (0, 8.25)
    nan = measure("regression", np.full((10, 1), np.nan), targets, targets, np.nan, "mean_squared_error")
    assert nan.skill == -np.inf


def test_classes_as_numbers_and_as_rows_have_the_same_constant_loss():
    labels = np.array([0, 1, 1, 2])
    rows_of_ones = np.eye(3)[labels]
    one = quality.constant_loss("categorical_crossentropy", rows_of_ones)
    assert one == pytest.approx(quality.constant_loss("sparse_categorical_crossentropy", labels))


def run(skill, loss=0.1):
    return Quality(loss, 1.0, None, None, skill)


def test_a_program_trains_well_only_if_it_does_with_every_seed():
    assert trains_well([run(0.9), run(0.3)])
    assert not trains_well([run(0.9), run(0.2)])
    assert not trains_well([run(0.9), run(0.9, loss=float("nan"))])
    assert not trains_well([run(0.5)], buggy=[run(0.6)])


def test_a_cure_must_clearly_gain_over_the_buggy_program():
    assert is_cure([run(0.9)], [run(0.0, loss=float("nan"))])
    assert not is_cure([run(0.5)], [run(0.45)])


def runs(skill):
    return [{"quality": run(skill)._asdict()}] * 3


@pytest.mark.parametrize(
    ("facts", "buggy", "fixed", "measured"),
    [
        (REAL, 0.0, 0.9, REAL),
        (REAL, 0.0, 0.0, REAL),
        (NOT_THE_CURE, 0.7, 0.1, NO_FAULT),
        (REAL, 0.7, 0.9, REAL),
        (NO_FAULT, 0.9, 0.9, NO_FAULT),
        (NO_FAULT, 0.0, 0.0, NOT_THE_CURE),
    ],
)
def test_a_class_is_replaced_where_the_trainings_say_otherwise(facts, buggy, fixed, measured):
    case = {"assessment": {"class": facts}}
    change = {"kind": "input-scaling", "layer": None, "what": "standardized inputs", "declared": False}
    tried = [{"changes": [change], "cures": True, "runs": runs(0.9)}]
    found = {"versions": {"buggy": runs(buggy), "fixed": runs(fixed)}, "changes": {"tried": tried}}
    own = judged(case, found)
    assert own["class"] == measured
    assert [(each["kind"], each["what"]) for each in own["cures"]] == [("input-scaling", ["standardized inputs"])]


def test_of_two_changes_that_cure_together_both_are_loci():
    two = [
        {"kind": "epochs", "layer": None, "what": "more epochs", "declared": True},
        {"kind": "activation-output", "layer": 3, "what": "linear", "declared": False},
    ]
    tried = [{"changes": two, "cures": True, "runs": runs(0.9)}, {"changes": two[:1], "cures": False, "runs": runs(0)}]
    found = {"versions": {"buggy": runs(0), "fixed": runs(0)}, "changes": {"tried": tried}}
    own = judged({"assessment": {"class": NOT_THE_CURE}}, found)
    assert [(each["kind"], each["layer"], each["what"], each["declared"]) for each in own["cures"]] == [
        ("epochs", None, ["more epochs with linear"], True),
        ("activation-output", 3, ["linear with more epochs"], False),
    ]


def results():
    """One case judged by all tools: ours right, Algorithm 1 accusing both versions, Keras silent."""
    messages = {name: {"message": "EAA", "layer": 7, "step": 4} for name in ("icse21-paper", "icse21-released")}
    callbacks = dict.fromkeys(("TerminateOnNaN", "EarlyStopping(loss)", "EarlyStopping(accuracy)", "union"))
    line = script(CASE, "buggy").lines["layer", 7][0]
    for version in ("buggy", "fixed"):
        ours = report(cause(line=line)) if version == "buggy" else report(verdict="healthy")
        for tool, answer in (
            ("ours", ours),
            ("icse21-paper", {"messages": messages}),
            ("icse21-released", {"messages": messages}),
            ("keras", {"steps": callbacks}),
        ):
            yield CASE["id"], version, "jax", 0, tool, {"how": "ok", "seconds": 1.0, "answer": answer}


def test_totals_count_by_class_and_keep_alarms_apart():
    assessments = {CASE["id"]: {"class": REAL, "class_by_facts": REAL, "cures": [], "fixed_trains_well": True}}
    scored = rows(results(), assessments)
    found = totals(scored, assessments, "jax")
    assert found["ours"]["real faults"] == {"detected": [1, 1], "top1": [1, 1], "top3": [1, 1], "line": [1, 1]}
    assert found["ours"]["false alarms"] == [0, 1]
    assert found["icse21-paper"]["false alarms"] == [1, 1]
    assert found["union of the three"]["real faults"]["detected"] == [0, 1]
    text = "\n".join(markdown(scored, assessments, "settings"))
    assert "| so-31880720 | real-fault | D13L some-rule (activation-output 7 line" in text
    assert json.loads(json.dumps(plain(scored, assessments)))[CASE["id"]]["class"] == REAL


def test_the_facts_alone_count_their_own_classes_and_no_cure_of_ours():
    cure = {"kind": "loss", "layer": None, "what": ["another loss"], "declared": False}
    assessments = {CASE["id"]: {"class": NO_FAULT, "class_by_facts": REAL, "cures": [cure], "fixed_trains_well": True}}
    text = "\n".join(by_the_facts(list(results()), assessments))
    assert "| ours | 1/1 | 1/1 | 1/1 | 1/1 |" in text
    assert "no other cures than theirs" in text


def test_a_run_that_gave_no_answer_is_shown_as_it_ended():
    assessments = {CASE["id"]: {"class": REAL, "class_by_facts": REAL, "cures": [], "fixed_trains_well": True}}
    killed = {"how": "timeout", "seconds": 240.0, "answer": None}
    scored = rows([(CASE["id"], "buggy", "jax", 0, "ours", killed)], assessments)
    assert totals(scored, assessments, "jax")["ours"]["not finished"] == 1
    assert "(timeout) no report" in "\n".join(markdown(scored, assessments, ""))
