"""Values that are not finite are told with their first layer and step, and exceptions with where they came from."""

import keras
import numpy as np
from harness import BACKEND, check, compiled, first_nonfinite, line_of, mlp, problem, seed, watched
from keras import layers

LATE = 47
"""A step that is not one of those whose layers are recorded in any case."""


def train_with(model, spoil=None, steps=LATE + 4):
    """Train for some steps of 4 rows, of which the data of step LATE is changed by `spoil`."""
    x, y = problem(rows=4 * steps)
    if spoil is not None:
        spoil(x[4 * LATE : 4 * LATE + 4])
    with watched() as seen:
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    return seen.trace


def marked(rows):
    rows[:, 0] = -100


@check
def the_step_under_test_is_not_recorded_in_any_case():
    seed()
    trace = train_with(compiled(mlp(layers.Dense(4, activation="tanh"))))
    assert LATE not in trace.sampled
    assert first_nonfinite(trace, "activation") is None


@check
def a_layer_that_makes_nan_of_some_data_is_named_with_the_step():
    class Log(layers.Layer):
        def call(self, x):
            return keras.ops.log(x[:, :1] + 50) + x

    seed()
    middle = (layers.Dense(6, activation="tanh"), layers.Dense(6))
    model = keras.Sequential([keras.Input((6,)), Log(), *middle, layers.Dense(3, activation="softmax")])
    trace = train_with(compiled(model), marked)
    assert first_nonfinite(trace, "activation") == (LATE, [0, 1, 2, 3])
    assert trace.steps[trace.scalar("loss.nonfinite") > 0][0] == LATE
    assert trace.scalar("input.nonfinite").max() == 0
    assert np.isfinite(trace.scalar("loss")[: LATE - 1]).all()


@check
def an_operation_between_layers_that_makes_nan_is_told_apart_from_the_layer_behind_it():
    class Between(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(6, kernel_initializer="identity", trainable=False), layers.Dense(3)

        def call(self, x):
            hidden = self.a(x)
            return keras.ops.softmax(self.b(hidden + 0.01 * keras.ops.log(hidden[:, :1] + 50)))

    seed()
    trace = train_with(compiled(Between()), marked)
    assert first_nonfinite(trace, "input") == (LATE, [1])
    assert first_nonfinite(trace, "activation") == (LATE, [1])
    assert first_nonfinite(trace, "weight") == (LATE + 1, [1])


@check
def nan_in_the_data_is_counted_in_the_step_it_comes_in():
    def spoil(rows):
        rows[1, 2] = np.nan

    seed()
    trace = train_with(compiled(mlp(layers.Dense(4, activation="tanh"))), spoil)
    assert trace.steps[trace.scalar("input.nonfinite") > 0].tolist() == [LATE]
    assert first_nonfinite(trace, "activation") == (LATE, [0, 1])


@check
def a_gradient_that_is_not_finite_is_named_with_the_layers_it_reaches():
    class Root(layers.Layer):
        """Finite forwards; backwards the slope of a root at 0."""

        def call(self, x, hidden):
            return keras.ops.power(x[:, :1] + 50 + x[:, 1:2] * hidden[:, :1], 0.7) * x[:, 1:2] + hidden

    seed()
    inputs = keras.Input((6,))
    hidden = layers.Dense(6)(layers.Dense(6, trainable=False)(inputs))
    outputs = layers.Dense(3, activation="softmax")(Root()(inputs, hidden))
    model = compiled(keras.Model(inputs, outputs))

    def spoil(rows):
        rows[:, :2] = (-50, 0)

    trace = train_with(model, spoil)
    step, found = first_nonfinite(trace, "weight_gradient")
    assert (step, found) == (LATE, [1])
    assert first_nonfinite(trace, "activation") == (LATE + 1, [1, 2, 3])
    assert trace.steps[trace.scalar("loss.nonfinite") > 0][0] == LATE + 1


@check
def a_learning_rate_of_1e20_shows_in_updates_weights_and_loss():
    seed()
    x, _ = problem()
    model = compiled(
        keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="relu"), layers.Dense(1)]), "mse", 1e20
    )
    with watched() as seen:
        model.fit(x, x[:, :1] + 1, batch_size=16, verbose=0)
    trace = seen.trace
    assert trace.series("weight_update", "rms")[0].max() > 1e15
    assert trace.series("weight", "rms")[1].max() > 1e15
    assert trace.scalar("loss.nonfinite").max() == 1
    assert first_nonfinite(trace, "weight_update")[0] <= 2


def crash_of(train):
    """The trace of a training that raises."""
    try:
        with watched() as seen:
            train()
    except Exception:
        return seen.traces[-1]
    raise AssertionError("nothing was raised")


@check(backends=("tensorflow", "torch"))
def labels_out_of_range_crash_in_the_loss():
    x, y = problem()

    def train():
        seed()
        model = compiled(mlp(layers.Dense(4)))
        model.fit(x, y + 5, batch_size=16, verbose=0)  # <fit>

    trace = crash_of(train)
    crash = trace.run.crash
    assert (crash.during, crash.layer, crash.source.line) == ("loss", None, line_of("fit", __file__))
    assert trace.run.ended == "raised"
    assert max(value for value, _ in trace.data.targets[0].counts) == 7
    assert trace.run.objectives[0].head.units == 3


@check
def a_layer_that_raises_is_named():
    class Fails(layers.Layer):
        def call(self, x, training=False):
            if training:
                raise ArithmeticError("of the user's own")  # <raise>
            return x

    def train():
        x, y = problem()
        compiled(mlp(layers.Dense(4), Fails())).fit(x, y, batch_size=16, verbose=0)

    trace = crash_of(train)
    crash = trace.run.crash
    assert (crash.type, crash.during, crash.layer) == ("ArithmeticError", "forward", 1)
    assert crash.source.line == line_of("raise", __file__)
    assert [layer.type for layer in trace.layers] == ["Dense", "Fails", "Dense"]


@check
def an_input_that_does_not_fit_the_first_layer_is_told_with_the_data():
    def train():
        x, y = problem(features=7)
        compiled(mlp(layers.Dense(4, name="first"))).fit(x, y, batch_size=16, verbose=0)

    trace = crash_of(train)
    assert trace.run.crash.type == "ValueError"
    assert trace.layers[0].name == "first"
    assert trace.data.inputs[0].shape == (7,)
    assert len(trace.steps) == 0


@check
def targets_that_do_not_fit_the_loss_are_told_with_the_loss():
    def train():
        x, y = problem()
        model = compiled(mlp(layers.Dense(4)), "categorical_crossentropy")
        model.fit(x, y, batch_size=16, verbose=0)

    trace = crash_of(train)
    assert trace.run.crash.during == "loss"
    assert trace.data.targets[0].encoding == "class-index"
    objective = trace.run.objectives[0]
    assert (objective.loss.kind, objective.loss.targets) == ("cross-entropy", "one-hot")
    assert (objective.head.layer, objective.head.activation, objective.head.units) == (1, "softmax", 3)
    assert [layer.activation for layer in trace.layers] == ["linear", "softmax"]


@check
def the_users_exception_is_their_own():
    class Stops(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyError("of the user's own")

    seed()
    x, y = problem()
    model = compiled(mlp(layers.Dense(4)))
    try:
        with watched() as seen:
            model.fit(x, y, batch_size=16, verbose=0, callbacks=[Stops()])
    except KeyError as error:
        assert error.args == ("of the user's own",)
    assert len(seen.trace.steps) == 3
    assert all(np.isfinite(each).all() for each in model.get_weights())
    if BACKEND == "tensorflow":
        assert int(model.optimizer.iterations.numpy()) == 3
