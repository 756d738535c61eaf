import dataclasses

import numpy as np
import pytest

from deeplocalize.signals.potential import compare, error_elsewhere, has_levelled_off
from deeplocalize.testing import make_run, make_trace
from deeplocalize.trace import DataCard
from deeplocalize.trace.data import target_card
from deeplocalize.trace.schema import Head, Loss, Objective, Sample

RANDOM = np.random.default_rng(0)
ROWS, STEPS = 256, 400
BLOBS = np.repeat(np.arange(4), ROWS // 4)
INPUTS = RANDOM.normal(size=(ROWS, 6)) + 4 * np.eye(4, 6)[BLOBS]
CLASSES = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index")
YES_OR_NO = Loss("binary-cross-entropy", "BCEWithLogitsLoss", "logits", "elementwise")
SQUARES = Loss("mean-squared-error", "MSELoss", "values", "elementwise")


def trained(targets=BLOBS, answers=None, *, inputs=INPUTS, loss=CLASSES, curve=1.3, baseline=1.386, **scalars):
    """A network that answers the same to all, unless `answers` [rows, units] are given."""
    answers = np.zeros((len(inputs), 4)) if answers is None else np.asarray(answers, float)
    order = RANDOM.permutation(len(inputs))
    steps = np.sort(np.resize(np.arange(0, STEPS, 10), len(inputs)))
    sample = Sample(steps, np.asarray(inputs)[order], np.asarray(targets)[order], answers[order])
    data = DataCard(targets=(target_card(np.asarray(targets)),), baseline_loss=baseline, baseline_accuracy=0.25)
    run = make_run(loss, Head(2, "linear", 2, answers.shape[-1], answers.shape[1:]))
    return make_trace(steps=STEPS, scalars={"loss": curve, **scalars}, run=run, data=data, sample=sample)


def test_neighbors_that_know_the_classes_are_told_from_a_network_that_does_not():
    found = compare(trained())
    assert found.of("neighbors") < 0.05
    assert found.of("network") == pytest.approx(0.75, abs=0.1)
    assert found.constant == 0.75
    assert found.beats("neighbors", "network", 0.5)


def test_a_network_that_knows_them_too_leaves_nothing_out():
    found = compare(trained(answers=np.eye(4)[BLOBS]))
    assert found.of("network") == 0
    assert not found.beats("neighbors", "network", 0.01)


def test_classes_given_as_rows_and_a_single_unit_are_understood():
    rows = dataclasses.replace(CLASSES, targets="one-hot")
    assert compare(trained(np.eye(4)[BLOBS], loss=rows)).beats("neighbors", "network", 0.5)
    halves = (BLOBS > 1).astype(float)
    right = np.where(halves, 0.3, -0.3)[:, None]
    assert compare(trained(halves[:, None], right, loss=YES_OR_NO)).of("network") == 0
    assert compare(trained(halves[:, None], -right, loss=YES_OR_NO)).of("network") == 1


def test_quantities_are_compared_by_their_squared_error():
    values = INPUTS[:, :1] + INPUTS[:, 1:2]
    found = compare(trained(values, np.full((ROWS, 1), values.mean()), loss=SQUARES))
    assert found.of("network") == pytest.approx(1, abs=0.3)
    assert found.of("neighbors") < 0.4
    assert found.beats("neighbors", "network", 0.3)


def test_neighbors_know_nothing_of_labels_made_by_chance():
    found = compare(trained(RANDOM.integers(0, 4, ROWS)), probes=True)
    assert not any(found.beats(each, "network", 0.2) for each in ("neighbors", "linear", "curved"))


def test_least_squares_answer_linear_questions_and_with_a_kernel_others_too():
    flat = compare(trained(INPUTS[:, :1] - INPUTS[:, 2:3], np.zeros((ROWS, 1)), loss=SQUARES), probes=True)
    assert flat.of("linear") < 0.01
    inputs = RANDOM.normal(size=(ROWS, 2))
    waves = compare(trained(np.sin(3 * inputs[:, :1]), np.zeros((ROWS, 1)), inputs=inputs, loss=SQUARES), probes=True)
    assert waves.of("curved") < 0.1
    assert waves.beats("curved", "linear", 0.5)
    assert not waves.beats("linear", "curved", 0.0)


def test_least_squares_leave_a_row_out_of_its_own_answer():
    inputs = RANDOM.normal(size=(160, 150))  # nearly as many columns as rows: everything could be fitted
    found = compare(trained(RANDOM.normal(size=(160, 1)), np.zeros((160, 1)), inputs=inputs, loss=SQUARES), probes=True)
    assert found.of("linear") > 0.8
    assert found.of("curved") > 0.8


def test_versions_of_one_example_do_not_answer_for_each_other():
    once = RANDOM.normal(size=(64, 6))
    labels = np.tile(RANDOM.integers(0, 4, 64), 4)
    again = np.tile(once, (4, 1))
    assert compare(trained(labels, inputs=again + 1e-3 * RANDOM.normal(size=again.shape))).of("neighbors") > 0.5
    assert compare(trained(labels, inputs=again)).of("neighbors") > 0.5


@pytest.mark.parametrize(
    "facts",
    [
        {"loss": dataclasses.replace(CLASSES, weighted=True)},
        {"loss": dataclasses.replace(CLASSES, kind="other")},
        {"targets": np.zeros(ROWS, int)},  # a single class
        {"targets": INPUTS, "answers": INPUTS, "loss": SQUARES},  # an autoencoder
        {"targets": np.tile(BLOBS[:, None], 3)},  # a class for each position
        {"inputs": np.full((ROWS, 6), np.nan)},
        {"answers": np.full((ROWS, 4), np.nan)},
        {"targets": RANDOM.normal(size=(ROWS, 17)), "answers": np.zeros((ROWS, 17)), "loss": SQUARES},
        {"inputs": INPUTS[::6], "targets": BLOBS[::6], "answers": np.zeros((43, 4))},
    ],
)
def test_what_cannot_be_compared_is_not(facts):
    assert compare(trained(**facts)) is None


def test_without_a_sample_or_with_two_objectives_there_is_no_comparison():
    assert compare(make_trace()) is None
    both = make_run(objectives=(Objective(CLASSES), Objective(CLASSES)))
    assert compare(dataclasses.replace(trained(), run=both)) is None


@pytest.mark.parametrize(("fall", "levelled"), [(1.0, True), (0.95, True), (0.8, False)])
def test_a_loss_that_falls_no_more_has_levelled_off(fall, levelled):
    curve = np.repeat([2.0, 1.5, 1.0, fall], STEPS // 4)
    assert has_levelled_off(trained(curve=curve)) is levelled


def test_a_run_of_few_steps_has_not_levelled_off():
    assert not has_levelled_off(make_trace(steps=20, scalars={"loss": 1.0}))


def test_the_error_on_other_data_is_read_from_accuracy_or_squared_error():
    late = np.where(np.arange(STEPS) % 100 == 99, 0.8, np.nan)
    assert error_elsewhere(trained(**{"validation.accuracy": late})) == pytest.approx(0.2)
    values = trained(INPUTS[:, :1], np.zeros((ROWS, 1)), loss=SQUARES, baseline=2.0, **{"validation.loss": late})
    assert error_elsewhere(values) == pytest.approx(0.4)
    assert np.isnan(error_elsewhere(trained()))
