"""A step of a Keras training that went wrong is carried out again, and its first bad operation named."""

import tempfile
from pathlib import Path

import keras
import numpy as np
from harness import check, line_of, problem, seed, watched
from keras import layers, ops

from deeplocalize.frameworks.replay import replay as replay_kept
from deeplocalize.trace.kept import read_kept

STEP, ROWS = 21, 8


def log_of_probability(y, p):
    return -ops.mean(ops.sum(y * ops.log(p), axis=-1))  # <log>


def overflowing(y, p):
    return ops.mean(ops.exp(p) - y * p, axis=-1)  # <exp>


class Length(layers.Layer):
    """The length of what a dense layer makes."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 4), name="kernel")

    def call(self, x):
        made = ops.matmul(x, self.kernel)
        return ops.sqrt(ops.sum(ops.square(made), axis=-1, keepdims=True))  # <sqrt>


class Shares(keras.Model):
    """Divides by a sum that is 0 where the inputs are."""

    def __init__(self):
        super().__init__()
        self.first = layers.Dense(4, activation=ops.abs, use_bias=False)
        self.last = layers.Dense(3)

    def call(self, x):
        found = self.first(x)
        shares = found / ops.sum(found, axis=-1, keepdims=True)  # <divide>
        return self.last(shares)


def dense(*more, outputs=3, activation="softmax"):
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, activation="tanh"), *more, layers.Dense(outputs, activation=activation)]
    )


def data(change=None, at=STEP):
    x, y = problem((STEP + 4) * ROWS)
    if change is not None:
        change(x[at * ROWS : (at + 1) * ROWS])
    return x, np.eye(3, dtype="float32")[y]


def kept_of(model, loss, change=None, optimizer=None, fit=None):
    """Train under watch; what the trace keeps."""
    seed()
    x, y = data(change)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.trace"
        with watched(path=path):
            model.compile(optimizer=optimizer or keras.optimizers.Adam(0.01), loss=loss)
            model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0, **(fit or {}))
        return list(read_kept(path))


def replayed(*args, **kwargs):
    (kept,) = kept_of(*args, **kwargs)
    assert kept.missing is None, kept.missing
    return replay_kept(kept)


def assert_named(found, where, operation, marker=None, step=STEP):
    assert (found.step, found.where) == (step, where), found
    assert found.operation.split("#")[0] == operation, found
    if marker is not None:
        assert found.source.line == line_of(marker, __file__), found.source


def scale_up(x):
    x *= 1e6


def one_row_of_zeros(x):
    x[3] = 0


# ---- what is named ----------------------------------------------------------------------------------------------------


@check
def the_logarithm_of_a_probability_that_is_zero_is_named():
    def one_sided(x):
        x *= 1e8

    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax")])
    found = replayed(model, log_of_probability, one_sided)
    assert_named(found, "forward", "loss.log", "log")
    assert found.inputs[0].zeros > 0


@check
def the_infinite_slope_of_a_square_root_at_zero_is_named():
    model = keras.Sequential([keras.Input((6,)), Length(), layers.Dense(3)])
    found = replayed(model, "mse", one_row_of_zeros)
    assert_named(found, "backward", "length.sqrt", "sqrt")
    assert found.inputs[0].zeros == 1


@check
def zero_divided_by_zero_is_named_in_a_model_with_a_call_of_its_own():
    found = replayed(Shares(), "mse", one_row_of_zeros)
    assert_named(found, "forward", "true_divide", "divide")
    assert [each.zeros > 0 for each in found.inputs] == [True, True]


@check
def an_exponential_that_overflows_is_named():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
    assert_named(replayed(model, overflowing, scale_up), "forward", "loss.exp", "exp")


@check
def an_update_that_overflows_is_named_with_the_learning_rate():
    def steep(y, p):
        return ops.mean(1e3 * ops.square(p - y), axis=-1)

    model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
    found = replayed(model, steep, optimizer=keras.optimizers.SGD(3e38))
    assert (found.step, found.where, found.operation) == (0, "update", "SGD"), found
    assert [each.name for each in found.inputs][-1] == "learning rate"
    assert found.inputs[-1].high > 1e38


@check
def a_nan_in_the_data_is_named():
    def spoil(x):
        x[2, 4] = np.nan

    found = replayed(dense(), "categorical_crossentropy", spoil)
    assert (found.where, found.step, found.made[0].name, found.made[0].nans) == ("data", STEP, "x", 1)


@check
def a_built_in_loss_is_named_as_one_operation():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])

    def spoil(x):
        x *= 1e25

    assert_named(replayed(model, "mse", spoil), "forward", "loss")


# ---- what the run's report says without a replay ------------------------------------------------------------------------


def origin_of(model, loss, change, at=STEP, **compiled):
    """The operation that is a fact of the run."""
    seed()
    x, y = data(change, at)
    with tempfile.TemporaryDirectory() as folder, watched(path=Path(folder) / "run.trace") as seen:
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss, **compiled)
        model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0)
    return seen.trace.run.origin


@check
def the_only_line_that_can_have_made_a_nan_is_a_fact_of_the_run():
    found = origin_of(keras.Sequential([keras.Input((6,)), layers.Dense(3)]), overflowing, scale_up)
    assert (found.step, found.operation, found.source.line) == (STEP, "exp", line_of("exp", __file__))
    found = origin_of(keras.Sequential([keras.Input((6,)), Length(), layers.Dense(3)]), "mse", one_row_of_zeros)
    assert (found.operation, found.source.line) == ("sqrt", line_of("sqrt", __file__))


@check
def a_slope_that_spoils_the_first_step_is_a_fact_of_that_step():
    layered = keras.Sequential([keras.Input((6,)), layers.Dense(6, use_bias=False), Length(), layers.Dense(3)])
    found = origin_of(layered, "mse", one_row_of_zeros, at=0)
    assert (found.step, found.operation, found.source.line) == (0, "sqrt", line_of("sqrt", __file__))


@check(backends=("jax",))
def no_line_is_named_where_several_can_have_made_it():
    def two(y, p):
        scaled = p / ops.sum(p, axis=-1, keepdims=True)
        return -ops.mean(y * ops.log(scaled))

    assert origin_of(keras.Sequential([keras.Input((6,)), layers.Dense(3)]), two, scale_up) is None


# ---- the steps before it are carried out as they were -------------------------------------------------------------------


def loss_again(model, loss="mse", y=None, x=None, weights=None, **compiled):
    """(the recorded loss of the last step, what a replay of it gives), of a training with nothing wrong."""
    seed()
    given, classes = data()
    x, y = given if x is None else x, classes if y is None else y
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.trace"
        with watched(path=path) as seen:
            model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss, **compiled)
            model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0, sample_weight=weights)
            (training,) = seen.probe._trainings
            training.drain()
            last = training._step - 1
            training.recorder.keep(training._keeping.keep(last, model, training.known.sites))
        (kept,) = read_kept(path)
    assert kept.missing is None, kept.missing
    assert kept.program["start"] < last - 2
    found = replay_kept(kept)
    assert found.where is None
    return seen.trace.scalar("loss")[-1], found.loss


def assert_again(*args, **kwargs):
    recorded, again = loss_again(*args, **kwargs)
    assert abs(recorded - again) <= 1e-4 * abs(recorded), (recorded, again)


@check
def dropout_and_batch_normalization_and_penalties_are_carried_out_as_they_were():
    hidden = layers.Dense(8, activation="relu", kernel_regularizer="l2", activity_regularizer="l1")
    assert_again(dense(hidden, layers.Dropout(0.3), layers.BatchNormalization()), "categorical_crossentropy")


@check
def layers_and_losses_of_ones_own_are_carried_out_as_they_were():
    class Scaled(layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")
            self.inner = layers.Dense(5, activation=lambda x: ops.maximum(0.1 * x, x))

        def call(self, x, training=False):
            made = self.inner(x * self.scale)
            self.add_loss(0.01 * ops.mean(ops.square(made)))
            return made + 1 if training else made

    def huber(y, p):
        size = ops.abs(y - p)
        return ops.mean(ops.where(size < 1, 0.5 * size**2, size - 0.5), axis=-1)

    assert_again(dense(Scaled(), activation=None), huber, weights=np.linspace(0, 1, len(data()[0])))


@check(backends=("jax", "torch"))
def sequences_with_a_mask_are_carried_out_as_they_were():
    generator = np.random.default_rng(3)
    x = generator.integers(0, 5, size=(len(data()[0]), 7))
    model = keras.Sequential(
        [keras.Input((7,), dtype="int32"), layers.Embedding(5, 4, mask_zero=True), layers.LSTM(4), layers.Dense(3)]
    )
    assert_again(model, x=x)


@check(backends=("tensorflow", "torch"))
def several_outputs_with_weights_are_carried_out_as_they_were():
    given = keras.Input((6,))
    hidden = layers.Dense(8, activation="relu")(given)
    attended = layers.MultiHeadAttention(2, 3)(hidden[:, None, :], hidden[:, None, :])
    outputs = {
        "kind": layers.Dense(3, activation="softmax", name="kind")(hidden),
        "size": layers.Dense(1, name="size")(layers.Flatten()(attended)),
    }
    x, y = data()
    targets = {"kind": y.argmax(axis=1), "size": x[:, :1]}
    loss = {"kind": "sparse_categorical_crossentropy", "size": "mae"}
    assert_again(keras.Model(given, outputs), loss, y=targets, loss_weights={"kind": 1.0, "size": 0.3})


# ---- what is not kept -------------------------------------------------------------------------------------------------


@check
def nothing_is_kept_of_a_training_with_finite_values():
    assert kept_of(dense(), "categorical_crossentropy") == []


@check
def a_train_step_of_the_programs_own_is_said_to_be_in_the_way():
    class Own(keras.Sequential):
        def train_step(self, *args):
            return super().train_step(*args)

    model = Own([keras.Input((6,)), layers.Dense(3)])
    (kept,) = kept_of(model, overflowing, scale_up)
    assert kept.missing == "its train_step is the program's own"


@check(backends=("tensorflow",))
def a_loss_that_calls_tensorflow_itself_is_said_to_be_in_the_way():
    import tensorflow as tf

    def own(y, p):
        return -tf.reduce_mean(y * tf.math.log(p))

    (kept,) = kept_of(dense(), own, scale_up_one_side)
    assert "cannot be taken apart" in kept.missing


def scale_up_one_side(x):
    x *= np.nan


@check
def the_program_trains_as_if_nothing_were_kept():
    def weights(path):
        seed()
        x, y = data(lambda x: x.fill(np.nan))
        with watched(path=path):
            model = dense(layers.Dropout(0.5))
            model.compile(optimizer="adam", loss=log_of_probability)
            model.fit(x[: STEP * ROWS], y[: STEP * ROWS], batch_size=ROWS, verbose=0, epochs=2)
            before = [np.array(each) for each in model.get_weights()]
            drawn = np.random.random(3)
            model.fit(x, y, batch_size=ROWS, verbose=0)
        return before, drawn, np.random.random(3)

    with tempfile.TemporaryDirectory() as folder:
        without, within = weights(None), weights(Path(folder) / "run.trace")
    for one, other in zip(without[0], within[0], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(without[1:], within[1:])


@check(backends=("jax",))
def large_batches_are_held_on_to_as_far_as_they_may_be_kept():
    from deeplocalize.frameworks.keras import keeping

    room, keeping.MAX_BYTES = keeping.MAX_BYTES, 5 * ROWS * 9 * 4
    try:
        model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
        assert_named(replayed(model, overflowing, scale_up, optimizer="sgd"), "forward", "loss.exp", "exp")
    finally:
        keeping.MAX_BYTES = room
