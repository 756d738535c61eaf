"""A Keras model as a step-by-step program trains as `fit` does, and shows every value.

Layers that draw random numbers have a seed: without one they draw from PyTorch's own generator on the torch backend, from
which `fit` draws too.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest
from harness import check, seed, watched
from keras import layers
from oracle import assert_recorded

from deeplocalize.errors import UsageError
from deeplocalize.frameworks.imperative import imperative

STEPS, ROWS = 50, 16


def dense(seed=7):
    hidden = layers.Dense(8, activation="relu", kernel_regularizer="l2")
    return keras.Sequential([hidden, layers.Dropout(0.2, seed=seed), layers.Dense(3, activation="softmax")])


def convolutions():
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            # Without a bias: behind a batch normalization its gradient is rounding noise, which Adam makes steps of.
            *(
                layers.Conv2D(4, 3, padding="same", use_bias=False),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.MaxPooling2D(),
            ),
            *(layers.Conv2D(4, 3, activation="elu"), layers.GlobalAveragePooling2D(), layers.Flatten()),
            layers.Dense(3, activation="softmax"),
        ]
    )


def signals():
    return keras.Sequential(
        [
            *(layers.Conv1D(4, 3, activation="gelu"), layers.AveragePooling1D(2), layers.Flatten()),
            *(layers.LayerNormalization(), layers.Dense(3, activation="softmax")),
        ]
    )


def residual():
    """Branches, a shared layer, operations between layers, a model in the model and a penalty."""
    given = keras.Input((6,))
    shared = layers.Dense(8, activation="tanh")
    inner = keras.Sequential(
        [keras.Input((8,)), layers.Dense(8, activation="relu", activity_regularizer="l1")], name="inner"
    )
    one = layers.Dense(8, activation=layers.LeakyReLU())(given)
    one = one + inner(shared(one))
    two = layers.Add()([one, shared(one) * 0.5])
    return keras.Model(given, layers.Dense(3, activation="softmax")(layers.Dropout(0.2, seed=7)(two)))


def recurrent(kind):
    return keras.Sequential(
        [layers.Embedding(11, 6, mask_zero=True), kind(5, dropout=0.2, seed=7), layers.Dense(3, activation="softmax")]
    )


def attention():
    words = keras.Input((4,), dtype="int32")
    table = layers.Embedding(11, 8)(words)
    mixed = layers.LayerNormalization()(table + layers.MultiHeadAttention(2, 4, dropout=0.1, seed=7)(table, table))
    return keras.Model(words, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(mixed)))


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = layers.Dense(4, activation="relu"), layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.head(self.hidden(x))


def rows(*shape):
    rng = np.random.default_rng(0)
    return rng.normal(size=(STEPS * ROWS, *shape)).astype("float32"), rng.integers(0, 3, STEPS * ROWS)


def words():
    rng = np.random.default_rng(0)
    return rng.integers(0, 11, (STEPS * ROWS, 4)), rng.integers(0, 3, STEPS * ROWS)


MODELS = {
    "dense": (dense, lambda: rows(6), lambda: keras.optimizers.Adam(0.01)),
    "dense with sgd": (dense, lambda: rows(6), lambda: keras.optimizers.SGD(0.1)),
    "dense with momentum": (dense, lambda: rows(6), lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)),
    "dense with rmsprop": (dense, lambda: rows(6), lambda: keras.optimizers.RMSprop(0.001)),
    "convolutions": (convolutions, lambda: rows(8, 8, 2), lambda: keras.optimizers.Adam(0.01)),
    "signals": (signals, lambda: rows(8, 2), lambda: keras.optimizers.Adam(0.01)),
    "residual": (residual, lambda: rows(6), lambda: keras.optimizers.Adam(0.01, clipnorm=1.0)),
    "lstm": (lambda: recurrent(layers.LSTM), words, lambda: keras.optimizers.Adam(0.01)),
    "gru": (lambda: recurrent(layers.GRU), words, lambda: keras.optimizers.Adam(0.01)),
    # Not with Adam: the bias of the keys has no gradient but rounding noise, as softmax does not see it.
    "attention": (attention, words, lambda: keras.optimizers.SGD(0.1, momentum=0.9)),
}
QUICK = ("dense", "residual", "lstm")
TRIED = MODELS if os.environ.get("DEEPLOCALIZE_ALL_MODELS") else QUICK
"""Compiling takes a while, so `make test` tries some of them and `make models` all."""


class Means(keras.callbacks.Callback):
    """The mean loss up to each step, as Keras reports it."""

    def __init__(self):
        super().__init__()
        self.means = []

    def on_train_batch_end(self, batch, logs=None):
        self.means.append(logs["loss"])


def fitted(build, x, y, optimizer):
    seed()
    model = build()
    means = Means()
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", jit_compile=False)
    model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0, callbacks=[means])
    return model.get_weights(), means.means


def stepped(build, x, y, optimizer):
    seed()
    model = build()
    program = imperative(model, "sparse_categorical_crossentropy", optimizer)
    losses = [program.step(x[at : at + ROWS], y[at : at + ROWS]).loss for at in range(0, len(x), ROWS)]
    return model.get_weights(), losses, program


def printed(programs):
    """What programs print, all run in one fresh process, each by itself."""
    with tempfile.TemporaryDirectory() as folder:
        for at, text in enumerate(programs):
            (Path(folder) / f"{at}.py").write_text(text)
        code = "import runpy, sys\nfor path in sys.argv[1:]:\n    print('---')\n    runpy.run_path(path)"
        paths = [str(Path(folder) / f"{at}.py") for at in range(len(programs))]
        done = subprocess.run([sys.executable, "-c", code, *paths], env=os.environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return [[float(line) for line in part.split()] for part in done.stdout.split("---")[1:]]


@check
def a_program_trains_as_fit_does_and_so_does_its_source():
    sources, expected = [], []
    for name in TRIED:
        build, data, optimizer = MODELS[name]
        x, y = data()
        weights, means = fitted(build, x, y, optimizer())
        own, losses, program = stepped(build, x, y, optimizer())
        so_far = np.cumsum(losses) / np.arange(1, STEPS + 1)
        np.testing.assert_allclose(so_far, means, rtol=1e-5, err_msg=name)
        for one, other in zip(own, weights, strict=True):
            assert np.linalg.norm(one - other) <= 1e-5 * np.linalg.norm(other) + 1e-7, name
        sources.append(program.source())
        expected.append(losses)
    x, y = rows(6)
    _, losses, program = stepped(lambda: dense(seed=None), x[:80], y[:80], keras.optimizers.Adam(0.01))
    sources.append(program.source())
    expected.append(losses)
    for name, found, losses in zip((*TRIED, "without a seed"), printed(sources), expected, strict=True):
        np.testing.assert_allclose(found, losses, rtol=1e-6, err_msg=name)


@check
def every_probe_point_shows_its_value():
    seed()
    x, y = rows(6)
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(4, activation="tanh", name="hidden"), layers.Dense(3, name="out")]
    )
    names = [each.path.removeprefix(f"{model.name}/") for each in model.weights]
    before = dict(zip(names, model.get_weights(), strict=True))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    step = imperative(model, loss, keras.optimizers.SGD(0.5)).step(x[:16], y[:16])
    linear = x[:16] @ before["hidden/kernel"] + before["hidden/bias"]
    logits = np.tanh(linear) @ before["out/kernel"] + before["out/bias"]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    at_logits = (shares - np.eye(3)[y[:16]]) / 16
    at_hidden = at_logits @ before["out/kernel"].T
    np.testing.assert_allclose(step.activations["hidden"], linear, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(step.activations["hidden.tanh"], np.tanh(linear), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(step.gradients["out"], at_logits, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(step.gradients["hidden.tanh"], at_hidden, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(step.gradients["hidden"], at_hidden * (1 - np.tanh(linear) ** 2), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(step.weight_gradients["out/kernel"], np.tanh(linear).T @ at_logits, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(step.updates["out/bias"], -0.5 * at_logits.sum(axis=0), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(step.loss, -np.log(shares[np.arange(16), y[:16]]).mean(), rtol=1e-5)


@check
def a_subclassed_model_is_one_step_and_says_so():
    x, y = rows(6)
    weights, _ = fitted(Own, x, y, keras.optimizers.SGD(0.1))
    own, _, program = stepped(Own, x, y, keras.optimizers.SGD(0.1))
    for one, other in zip(own, weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert "one step: a model with a call of your own" in str(program)
    with pytest.raises(UsageError, match="cannot write down 'Own'"):
        program.source()


@check
def a_compiled_model_brings_its_loss_and_optimizer():
    seed()
    x, y = rows(6)
    model = dense()
    with pytest.raises(UsageError, match=r"no (loss|optimizer)"):
        imperative(model)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    program = imperative(model)
    losses = [program.step(x[:16], y[:16]).loss for _ in range(40)]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])


@check
def the_trace_of_a_training_is_that_of_the_program():
    x, y = rows(8, 8, 2)
    x, y = x[: 8 * ROWS], y[: 8 * ROWS]

    def build():
        given = keras.Input((8, 8, 2))
        one = layers.Conv2D(4, 3, activation="relu", use_bias=False)(given)
        one = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(one))
        two = layers.Dense(4, activation="tanh")(layers.Dropout(0.3, seed=7)(one))
        return keras.Model(given, layers.Dense(3, activation="softmax")(layers.Add()([one, two])))

    with watched() as seen:
        fitted(build, x, y, keras.optimizers.SGD(0.1))
    seed()
    model = build()
    program = imperative(model, "sparse_categorical_crossentropy", keras.optimizers.SGD(0.1))
    steps = [program.step(x[at : at + ROWS], y[at : at + ROWS]) for at in range(0, len(x), ROWS)]
    conv, norm, hidden = (model.layers[at].name for at in (1, 2, 5))
    points = {
        0: (f"{conv}.relu", conv, f"{conv}/"),
        1: (norm, None, f"{norm}/"),
        4: (f"{hidden}.tanh", hidden, f"{hidden}/"),
    }
    assert_recorded(seen.trace, steps, points, axis=-1)
