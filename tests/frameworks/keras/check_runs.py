"""The watched run is the user's own: every way to train works, and nothing about it changes."""

import contextlib
import importlib
import io
import os
import pickle
import tempfile
from pathlib import Path

import keras
import numpy as np
from harness import BACKEND, check, compiled, mlp, problem, seed, watched
from keras import layers

from deeplocalize.frameworks.keras import parameters, statistics
from deeplocalize.frameworks.keras.dispatcher import Dispatcher
from deeplocalize.frameworks.session import TrainingStopped


def fifty_steps(watch, **fit):
    """(weights, history, printed) of a training with everything that draws random numbers."""
    seed(3)
    x, y = problem(rows=80)
    model = mlp(
        layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.4), layers.GaussianNoise(0.1)
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), watched() if watch else contextlib.nullcontext():
        history = model.fit(x, y, batch_size=8, epochs=5, validation_data=(x[:16], y[:16]), verbose=0, **fit).history
    return model.get_weights(), history, printed.getvalue()


@contextlib.contextmanager
def compiled_as_usual():
    """The other checks have jax compile without optimizing, which is quicker; here that would hide differences."""
    if BACKEND != "jax":
        yield
        return
    import jax

    jax.config.update("jax_disable_most_optimizations", False)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", bool(os.environ.get("JAX_DISABLE_MOST_OPTIMIZATIONS")))


@check
def a_watched_run_of_fifty_steps_ends_with_the_same_weights():
    with compiled_as_usual():
        plain, seen = fifty_steps(False), fifty_steps(True)
    for one, other in zip(plain[0], seen[0], strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-7)
    assert plain[1].keys() == seen[1].keys()
    for name, values in plain[1].items():
        np.testing.assert_allclose(seen[1][name], values, rtol=1e-4, atol=1e-6, err_msg=name)
    assert plain[2] == seen[2]


def steps_of(train):
    """The numbers of the steps that were recorded while training a fresh model."""
    seed()
    model = compiled(mlp(layers.Dense(4, activation="relu")))
    with watched() as seen:
        train(model)
    assert np.isfinite(seen.trace.scalar("loss")).all()
    assert seen.trace.data.targets[0].encoding == "class-index"
    return seen.trace.steps.tolist()


def batches(count):
    x, y = problem()
    for at in range(count):
        yield x[at * 16 : at * 16 + 16], y[at * 16 : at * 16 + 16]


@check
def every_way_to_hand_over_data_is_watched():
    x, y = problem()

    class Sequence(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, at):
            return x[at * 16 : at * 16 + 16], y[at * 16 : at * 16 + 16]

    assert steps_of(lambda model: model.fit(x[:40], y[:40], batch_size=16, verbose=0)) == [0, 1, 2]
    assert steps_of(lambda model: model.fit(batches(4), steps_per_epoch=4, shuffle=False, verbose=0)) == [0, 1, 2, 3]
    assert steps_of(lambda model: model.fit(Sequence(), verbose=0)) == [0, 1, 2, 3]


@check(backends=("tensorflow",))
def a_tf_dataset_is_watched():
    import tensorflow

    data = tensorflow.data.Dataset.from_tensor_slices(problem()).batch(24)
    assert steps_of(lambda model: model.fit(data, epochs=2, shuffle=False, verbose=0)) == [0, 1, 2, 3, 4, 5]


@check(backends=("torch",))
def a_torch_loader_is_watched():
    import torch

    data = torch.utils.data.TensorDataset(*map(torch.as_tensor, problem()))
    loader = torch.utils.data.DataLoader(data, batch_size=24, shuffle=True)
    assert steps_of(lambda model: model.fit(loader, epochs=2, shuffle=False, verbose=0)) == [0, 1, 2, 3, 4, 5]


@check
def a_loop_of_train_on_batch_is_watched():
    def train(model):
        for batch in batches(4):
            model.train_on_batch(*batch)
            model.test_on_batch(*batch)
            model.predict_on_batch(batch[0])

    assert steps_of(train) == [0, 1, 2, 3]


@check
def eager_runs_are_watched():
    seed()
    x, y = problem()
    model = compiled(mlp(layers.Dense(4, activation="relu")), run_eagerly=True)
    with watched() as seen:
        model.fit(x, y, batch_size=32, verbose=0)
    assert np.isfinite(seen.trace.series("activation_gradient", "rms")[:, 0]).all()
    assert np.isfinite(seen.trace.series("weight_update", "rms")).all()


@check(backends=("tensorflow", "jax"))
def several_steps_in_one_execution_are_recorded_as_one():
    seed()
    x, y = problem(rows=80)
    model = compiled(mlp(layers.Dense(4, activation="relu")), steps_per_execution=2)
    with watched() as seen:
        model.fit(x, y, batch_size=16, epochs=10, verbose=0)
    assert seen.trace.steps[:3].tolist() == [1, 3, 5]
    assert (seen.trace.scalar("optimizer_steps") == 2).all()
    assert np.isfinite(seen.trace.scalar("loss")).all()
    assert (
        int(model.optimizer.iterations.numpy() if BACKEND == "tensorflow" else model.optimizer.iterations.value) == 50
    )


@check
def several_fits_of_a_model_are_one_training_and_two_models_are_two_until_one_is_compiled_anew():
    x, y = problem()
    with watched() as seen:
        one, other = compiled(mlp(layers.Dense(4))), compiled(mlp(layers.Dense(5)))
        one.fit(x, y, batch_size=32, verbose=0)
        other.fit(x, y, batch_size=16, verbose=0)
        one.fit(x, y, batch_size=32, verbose=0)
        compiled(one, rate=0.25).fit(x, y, batch_size=32, verbose=0)
    first, second, third = seen.traces
    assert (first.steps.tolist(), second.steps.tolist()) == ([0, 1, 2, 3], [0, 1, 2, 3])
    assert (third.steps.tolist(), third.run.optimizers[0].settings["learning_rate"]) == ([0, 1], 0.25)
    np.testing.assert_allclose(first.scalar("learning_rate"), [0.05] * 4, rtol=1e-6)


@check
def validation_and_evaluation_add_metrics_and_no_steps():
    seed()
    x, y = problem()
    with watched() as seen:
        model = compiled(mlp(layers.Dense(4)), metrics=["accuracy"])
        model.fit(x, y, batch_size=32, epochs=2, validation_split=0.5, verbose=0)
        model.predict(x, verbose=0)
        model.evaluate(x, y, verbose=0)
    trace = seen.trace
    assert trace.steps.tolist() == [0, 1]
    assert np.isfinite(trace.scalar("metric.accuracy")).all()
    assert np.isfinite(trace.scalar("validation.loss")).all()
    assert trace.scalar("epoch").tolist() == [0, 1]


@check(backends=("tensorflow", "torch"))
def a_first_step_that_crashes_shows_the_model_it_built_and_no_frame_of_ours_in_its_error():
    seed()
    x, y = problem()
    said = ""
    with contextlib.suppress(Exception), watched() as seen:
        try:
            model = keras.Sequential([layers.Dense(5), layers.Dense(3, activation="softmax")])
            compiled(model).fit(x, y + 1, verbose=0)
        except Exception as error:
            said = str(error)
            raise
    assert said and "/deeplocalize/frameworks/" not in said
    assert seen.trace.run.objectives[0].head.units == 3
    assert seen.trace.run.crash.during == "loss"


@check
def compiling_a_trained_model_for_something_else_begins_a_new_training():
    seed()
    x, y = problem()
    with watched() as seen:
        model = compiled(keras.Sequential([keras.Input((6,)), layers.Dense(5), layers.Dense(3, activation="softmax")]))
        for _ in range(2):
            model.fit(x, y, batch_size=16, verbose=0)
        model.layers[0].trainable = False
        model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=16, verbose=0)
    first, second = seen.traces
    assert len(first.steps) == 2 * len(second.steps)
    assert (first.run.trainable, second.run.trainable) == (53, 18)
    assert second.run.optimizers[0].settings["learning_rate"] == np.float32(1e-4)
    assert first.run.sources["compile"] != second.run.sources["compile"]


@check
def compiling_by_the_same_call_in_every_round_goes_on_with_the_same_training():
    seed()
    x, y = problem()
    with watched() as seen:
        model = keras.Sequential([keras.Input((6,)), layers.Dense(5), layers.Dense(3, activation="softmax")])
        for _ in range(3):
            model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
            model.fit(x, y, batch_size=len(x), verbose=0)
    assert seen.trace.steps.tolist() == [0, 1, 2]


@check
def the_line_of_a_callback_that_sets_the_learning_rate_is_known():
    seed()
    x, y = problem()
    with watched() as seen:
        model = compiled(keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax")]))
        model.fit(x, y, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 0.01)])
    assert "LearningRateScheduler" in seen.trace.run.sources["scheduler"].text


class Talking(keras.layers.Layer):
    """A layer that prints whenever Python runs through it."""

    def call(self, x):
        print("called with", x.shape)
        return x


@check
def what_the_model_prints_while_it_is_traced_appears_as_often_as_without_us():
    x, y = problem(rows=40)
    said = []
    for watch in (False, True):
        seed()
        model = compiled(keras.Sequential([keras.Input((6,)), Talking(), layers.Dense(3, activation="softmax")]))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), watched() if watch else contextlib.nullcontext():
            model.fit(x, y, batch_size=16, epochs=12, verbose=0)
        said.append(printed.getvalue())
    assert said[0] == said[1] != ""


@check
def saving_cloning_and_pickling_in_the_middle_of_a_training_see_no_wrapper():
    seed()
    x, y = problem()
    copies = []

    class Keep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert "train_step" not in vars(self.model)
            assert "compute_loss" not in vars(self.model)
            assert "apply" not in vars(self.model.optimizer)
            assert keras.layers.Layer.__call__.__module__.startswith("keras")

        def on_epoch_end(self, epoch, logs=None):
            with tempfile.TemporaryDirectory() as folder:
                self.model.save(Path(folder) / "model.keras")
                copies.append(keras.models.load_model(Path(folder) / "model.keras"))
            copies.append(pickle.loads(pickle.dumps(self.model)))
            clone = keras.models.clone_model(self.model)
            clone.set_weights(self.model.get_weights())
            copies.append(clone)

    with watched():
        model = compiled(mlp(layers.Dense(4, activation="relu")))
        model.fit(x, y, batch_size=32, verbose=0, callbacks=[Keep()])
    assert len(copies) == 3
    for copy in copies:
        np.testing.assert_allclose(copy.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)


@check
def uninstalling_puts_everything_back():
    before = [
        keras.Model.compile,
        keras.Model.fit,
        keras.layers.Dense.__init__,
        keras.Operation.__init__,
        keras.losses.Loss.__init__,
    ]
    x, y = problem()
    with watched() as seen:
        model = compiled(mlp())
        model.fit(x, y, batch_size=32, verbose=0)
        assert isinstance(model.train_function, Dispatcher)
    after = [
        keras.Model.compile,
        keras.Model.fit,
        keras.layers.Dense.__init__,
        keras.Operation.__init__,
        keras.losses.Loss.__init__,
    ]
    assert before == after
    assert not isinstance(model.train_function, Dispatcher)
    model.fit(x, y, batch_size=32, verbose=0)
    assert len(seen.trace.steps) == 2


STAGES = ("train step", "layer", "optimizer", "parameters")


@contextlib.contextmanager
def broken(owner, name):
    """Something of ours that raises whenever it is used."""
    original = getattr(owner, name)

    def fail(*_, **__):
        raise RuntimeError(f"{name} is broken on purpose")

    setattr(owner, name, fail)
    try:
        yield
    finally:
        setattr(owner, name, original)


def twelve_steps():
    """Weights after a short training, and the trace if it is watched."""
    seed(3)
    x, y = problem()
    model = mlp(layers.Dense(8, activation="relu"), layers.Dropout(0.4))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=16, epochs=3, verbose=0)
    return model.get_weights()


@check
def whatever_breaks_in_the_probe_the_training_goes_on_as_it_would():
    plain = twelve_steps()
    on = importlib.import_module(f"deeplocalize.frameworks.keras.on_{BACKEND}")
    if BACKEND == "torch":
        places = [(on.GradientTaps, "tap"), (on, "scope_of"), (parameters.Parameters, "before")]
    else:
        places = [(statistics, "_row_stats"), (on, "check")]  # the latter gives up a variant after it was traced
    for owner, name in places:
        with broken(owner, name), watched(failures=STAGES) as seen:
            weights = twelve_steps()
        assert any("broken on purpose" in each.message for each in seen.trace.failures), name
        assert len(seen.trace.steps) == 12, name
        assert np.isfinite(seen.trace.scalar("loss")).all() or name == "scope_of"
        for one, other in zip(plain, weights, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-7, err_msg=name)


@check
def a_listener_can_end_the_training_between_two_steps():
    x, y = problem()
    model = compiled(mlp(layers.Dense(4)))
    try:
        with watched(on_step=lambda recorder, step: step == 2):
            model.fit(x, y, batch_size=8, verbose=0)
        raise SystemError("the training was not ended")
    except TrainingStopped:
        pass
    assert all(np.isfinite(each).all() for each in model.get_weights())
