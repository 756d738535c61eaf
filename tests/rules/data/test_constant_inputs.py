import numpy as np

from deeplocalize.testing import make_trace
from deeplocalize.trace.cards import DataCard
from deeplocalize.trace.data import InputCollector, target_card

VARIED = np.random.default_rng(0).normal(size=(32, 5))
CONSTANT = np.tile(VARIED[:1], (32, 1))
LABELS = np.arange(32) % 2


def trained_on(*inputs, targets=LABELS, learns=False):
    cards = []
    for at, rows in enumerate(inputs):
        collector = InputCollector(f"input {at}")
        collector.add(np.asarray(rows, np.float32))
        cards.append(collector.card())
    data = DataCard(tuple(cards), (target_card(np.asarray(targets)),), baseline_loss=1.0)
    return make_trace(steps=300, scalars={"loss": np.geomspace(1, 0.01, 300) if learns else 1.0}, data=data)


def test_equal_inputs_with_different_targets_are_found_where_data_enters(rule):
    (found,) = rule("constant-inputs").run(trained_on(CONSTANT))
    assert (found.locus.kind, found.locus.source.line) == ("data", 40)


def test_black_borders_and_rare_words_are_no_fault(rule):
    sparse = np.zeros((32, 1000))
    sparse[np.arange(32), np.arange(32)] = 1
    assert rule("constant-inputs").run(trained_on(sparse)) == ()


def test_a_constant_input_beside_one_that_varies_is_fine(rule):
    assert rule("constant-inputs").run(trained_on(CONSTANT, VARIED)) == ()


def test_fitting_one_example_again_and_again_is_a_sound_check(rule):
    assert rule("constant-inputs").run(trained_on(CONSTANT, targets=np.ones(32))) == ()


def test_few_examples_prove_nothing(rule):
    assert rule("constant-inputs").run(trained_on(CONSTANT[:4], targets=LABELS[:4])) == ()


def test_a_network_that_beats_the_best_constant_answer_knows_more_than_its_inputs(rule):
    assert rule("constant-inputs").run(trained_on(CONSTANT, learns=True)) == ()
