import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.deeplocalize40.algorithm1 import PAPER, RELEASED, Message, diagnose
from bench.deeplocalize40.keras_baselines import NAMES
from deeplocalize.testing import make_layer, make_trace

ROOT = Path(__file__).parents[2]
MOVING = np.linspace(0.1, 0.9, 100)[:, None] * [1.0, 1.1, 1.2]


def trace(means=None, nonfinite=None, layers=3, **facts):
    columns = {f"{role}.mean": values for role, values in (means or {}).items()}
    columns |= {f"{role}.nonfinite": values for role, values in (nonfinite or {}).items()}
    columns.setdefault("activation.mean", MOVING)
    return make_trace(layers=layers, columns=columns, **facts)


@pytest.mark.parametrize("form", [PAPER, RELEASED])
def test_a_program_whose_means_move_is_correct(form):
    assert diagnose(trace(), form) == Message("CM", None, 99)


@pytest.mark.parametrize(
    ("role", "message"),
    [("preactivation", "EBA"), ("activation", "EAA"), ("activation_gradient", "EBDW"), ("weight", "EBW")],
)
def test_what_is_not_finite_is_reported_at_its_layer_and_step(role, message):
    bad = np.zeros((100, 3))
    bad[7:, 1] = 5
    assert diagnose(trace({role: MOVING}, {role: bad}), PAPER) == Message(message, 1, 7)


def test_points_are_examined_forward_then_loss_then_backward_from_the_last_layer():
    everywhere = {role: np.ones((100, 3)) for role in ("activation", "activation_gradient", "weight")}
    means = dict.fromkeys(everywhere, MOVING)
    assert diagnose(trace(means, everywhere), PAPER).layer == 0
    loss = {"loss": np.nan, "loss.nonfinite": 1}
    del everywhere["activation"]
    assert diagnose(trace(means, everywhere, scalars=loss), PAPER).message == "ELF"
    assert diagnose(trace(means, everywhere), PAPER) == Message("EBDW", 2, 0)


def test_the_paper_waits_for_50_equal_means_and_the_released_callback_for_5():
    still = MOVING.copy()
    still[:, 2] = 0.5
    assert diagnose(trace({"activation": still}), PAPER) == Message("EAA", 2, 49)
    assert diagnose(trace({"activation": still}), RELEASED) == Message("EAA", 2, 4)


def test_a_mean_of_zero_counts_from_a_quarter_of_all_iterations_or_half_of_those_so_far():
    zero = MOVING.copy()
    zero[10:40:1, 0] = 0
    assert diagnose(trace({"activation": zero}), PAPER) == Message("EAA", 0, 34)
    first = MOVING.copy()
    first[0, 1] = 0
    assert diagnose(trace({"activation": first}), PAPER).message == "CM"
    assert diagnose(trace({"activation": first}), RELEASED) == Message("EAA", 1, 0)


def test_the_model_does_not_learn_if_the_loss_is_no_lower_than_a_window_ago():
    flat = {"loss": np.r_[np.linspace(2, 1, 50), np.linspace(1, 3, 50)]}
    assert diagnose(trace(scalars=flat), PAPER) == Message("MDL", None, 67)
    same = {"loss": np.r_[np.linspace(2, 1, 50), np.ones(50)]}
    assert diagnose(trace(scalars=same), RELEASED) == Message("MDL", None, 53)


def test_the_released_callback_looks_at_weights_of_dense_layers_alone():
    layers = [make_layer(0, "conv"), make_layer(1), make_layer(2)]
    bad = np.ones((100, 3)) * [1, 0, 0]
    found = trace({"weight": MOVING}, {"weight": bad}, layers=layers)
    assert diagnose(found, PAPER) == Message("EBW", 0, 0)
    assert diagnose(found, RELEASED).message == "CM"


HEAD = """
import keras
import numpy as np
keras.utils.set_random_seed(1)
"""

MOTIVATING = (
    HEAD
    + """
y = np.arange(1500)[:, None] % 2
x = np.repeat(y, 128, axis=1).astype("float32")
layers = keras.layers
model = keras.Sequential([
    keras.Input((128,)), layers.Dense(50, activation="relu"), layers.Activation("relu"), layers.Dropout(0.2),
    layers.Dense(50), layers.Activation("relu"), layers.Dropout(0.2), layers.Dense(1), layers.Activation("softmax"),
])
model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
model.fit(x, y, batch_size=10, epochs=1, verbose=0)
"""
)

HEALTHY = (
    HEAD
    + """
y = np.arange(2000) % 4
x = np.random.default_rng(0).normal(size=(2000, 8)).astype("float32") + 4 * np.eye(4, 8)[y].astype("float32")
model = keras.Sequential([
    keras.Input((8,)), keras.layers.Dense(16, activation="tanh"), keras.layers.Dense(4, activation="softmax"),
])
model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(0.01), metrics=["accuracy"])
history = model.fit(x, y, batch_size=20, epochs=2, verbose=0)
assert history.history["accuracy"][-1] > 0.9
"""
)


def said_of(program, folder):
    """What both forms of Algorithm 1 say of a program that is really trained, and when Keras's callbacks stop it."""
    script, answer = folder / "train.py", folder / "answer.json"
    script.write_text(program)
    environment = os.environ | {"KERAS_BACKEND": "jax", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench.deeplocalize40.others", str(script), str(answer)]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, timeout=120)
    found = json.loads(answer.read_text())
    assert found["raised"] is None
    return found["messages"], found["steps"]


def test_it_fires_on_the_motivating_program_at_the_last_layer(tmp_path):
    """Stack Overflow 31880720: softmax over one unit. As published: the weights of layer 6, the last that has any."""
    for each in said_of(MOTIVATING, tmp_path)[0].values():
        assert (each["message"], each["layer"], each["layer_type"]) == ("EBDW", 6, "Dense")


def test_it_flags_a_healthy_classifier_as_the_mean_over_a_softmax_never_moves(tmp_path):
    messages, stops = said_of(HEALTHY, tmp_path)
    said = messages["icse21-released"]
    assert (said["message"], said["layer"]) == ("EAA", 1)
    assert stops == dict.fromkeys([*NAMES, "union"])
