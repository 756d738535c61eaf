import ast
import json
import math

import numpy as np
import pytest

from bench.deeplocalize40.changes import changes
from bench.deeplocalize40.data import arrays, missing_files, plan_of, recipe_of
from bench.deeplocalize40.facts import VERSIONS, cases, parameters_and_products, settings
from bench.deeplocalize40.plan import EPOCHS, FEWEST, SMALL_STEPS
from bench.deeplocalize40.programs import layer_call, program_hash, script
from bench.deeplocalize40.scoring import truth

BOTH = [(name, version) for name in cases() for version in VERSIONS]
LARGE = ("so-44164749", "so-50079585", "gh-sammyhaq-hotdog-sandwich", "gh-tautvydasversockas-MovieReviews_Keras")


def test_there_are_41_cases_with_what_the_published_tools_said():
    assert len(cases()) == 41
    assert all(case["peers"] and case["assessment"]["class"] for case in cases().values())


@pytest.mark.parametrize(("name", "version"), BOTH)
def test_a_script_has_a_line_for_each_layer_and_each_argument_that_can_be_at_fault(name, version):
    made = script(cases()[name], version)
    ast.parse(made.text)
    lines = made.text.splitlines()
    for index, layer in enumerate(cases()[name][version]["layers"]):
        (number,) = made.lines["layer", index]
        assert f"layers.{layer['type']}(" in lines[number - 1]
    for tag, text in (
        ("loss", "loss="),
        ("learning-rate", "learning_rate="),
        ("batch-size", "batch_size="),
        ("epochs", "epochs="),
    ):
        assert [lines[number - 1].strip().startswith(text) for number in made.lines[tag]] == [True]


@pytest.mark.parametrize("name", [name for name in cases() if name not in LARGE])
def test_data_has_the_stated_shape_and_is_the_same_every_time(name):
    case = cases()[name]
    for version in VERSIONS:
        made, again = arrays(case, version), arrays(case, version)
        own, image = settings(case, version), recipe_of(case).image
        shape = (image, image, 3) if image else own.input_shape
        assert made["x_train"].shape[1:] == shape
        assert len(made["x_train"]) == len(made["y_train"])
        assert all(np.array_equal(made[key], again[key]) for key in made)


@pytest.mark.parametrize(("name", "version"), BOTH)
def test_every_program_is_short(name, version):
    case, plan = cases()[name], plan_of(cases()[name], version)
    batch = min(settings(case, version).batch_size, plan.rows)
    steps = math.ceil(plan.rows * plan.copies / batch) * plan.epochs
    assert plan.epochs <= EPOCHS
    assert min(FEWEST, settings(case, version).epochs) <= steps <= 1.1 * SMALL_STEPS


@pytest.mark.parametrize("name", cases())
def test_every_fault_that_a_script_can_be_mended_of_has_a_line(name):
    case = cases()[name]
    facts = {"class": "real-fault", "cures": []}
    found = truth(case, facts, script(case, "buggy"))
    assert all(each.lines for each in found)
    assert len(found) == sum(fault["kind"] not in ("other", "none") for fault in case["faults"])


def test_for_an_activation_of_its_own_that_follows_a_layer_either_may_be_named():
    case = cases()["so-31880720"]
    made = script(case, "buggy")
    softmax = truth(case, {"class": "real-fault", "cures": []}, made)[0]
    assert softmax.layers == {6, 7}
    assert softmax.lines == {*made.lines["layer", 6], *made.lines["layer", 7]}


def test_parameters_and_multiplications_are_those_of_the_layers():
    layers = [
        {"type": "Conv2D", "filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid"},
        {"type": "MaxPooling2D", "pool_size": [2, 2], "strides": [2, 2], "padding": "valid"},
        {"type": "Flatten"},
        {"type": "Dense", "units": 2},
    ]
    assert parameters_and_products(layers, (6, 6, 1)) == (40 + 34, 36 * 16 + 32)


def test_arguments_that_are_the_default_are_left_out_of_a_layer():
    layer = {
        "type": "Dense",
        "units": 3,
        "activation": None,
        "kernel_initializer": "random_uniform(minval=-0.05,maxval=0.05)",
    }
    assert layer_call(layer) == 'Dense(3, kernel_initializer="random_uniform")'
    layer = {"type": "Dense", "units": 3, "activation": "relu", "bias_initializer": "constant(0.1)"}
    assert layer_call(layer) == 'Dense(3, activation="relu", bias_initializer=keras.initializers.Constant(0.1))'


def test_another_seed_changes_the_line_of_the_seed_alone():
    case = cases()["so-31556268"]
    one, other = (script(case, "buggy", seed).text.splitlines() for seed in (0, 1))
    assert [line for line in one if line not in other] == ["keras.utils.set_random_seed(0)"]
    assert program_hash(case, "buggy", 0, None) != program_hash(case, "buggy", 1, None)


@pytest.mark.parametrize("name", cases())
def test_every_single_change_gives_another_program(name):
    case = cases()[name]
    made = [(script(change.case, "buggy").text, plan_of(change.case, "buggy")) for change in changes(case)]
    assert (script(case, "buggy").text, plan_of(case, "buggy")) not in made
    assert len(set(made)) == len(made)
    assert json.dumps(case) == json.dumps(cases()[name])


def test_original_files_that_are_missing_are_named(tmp_path):
    assert tmp_path / "so-48251943" / "Book1.csv" in missing_files(tmp_path)
