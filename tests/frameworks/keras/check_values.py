"""What is recorded of values: equal to a plain numpy computation of the same quantities."""

import warnings

import keras
import numpy as np
from harness import BACKEND, check, compiled, first_nonfinite, mlp, problem, seed, watched
from keras import layers

from deeplocalize.trace.definitions import (
    activation_stats,
    element_stride,
    example_stride,
    inner_stride,
    tensor_stats,
    values_stats,
)


def outputs_of(model, x):
    """The output of each layer in training mode, by a model that shares the layers."""
    inner = keras.Model(model.inputs[0], [layer.output for layer in model.layers if layer.name != "input"])
    return [keras.ops.convert_to_numpy(each) for each in inner(x, training=True)]


def values_of(layer):
    return [np.array(each) for each in layer.get_weights()]


def assert_row(trace, role, layer, expected):
    for stat, value in expected.items():
        recorded = trace.series(role, stat)[0, layer]
        scale = max(abs(expected["rms"]), 1e-12)
        message = f"{role}.{stat} of layer {layer}"
        np.testing.assert_allclose(recorded, value, rtol=2e-4, atol=2e-5 * scale, err_msg=message)


def one_step(model, x, y):
    """Train one step under watch; (trace, parameters of each layer before, after)."""
    before = [values_of(layer) for layer in model.layers]
    with watched() as seen:
        model.train_on_batch(x, y)
    return seen.trace, before, [values_of(layer) for layer in model.layers]


def sampled(kernels):
    flat = [kernel.ravel()[:: element_stride(kernel.size)] for kernel in kernels]
    return np.concatenate(flat)


def assert_parameters(trace, layer, before, after, rate):
    """Plain gradient descent: the update is what changed, the gradient is that by the rate."""
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old.ndim >= 2]
    update = sampled([new - old for old, new in pairs])
    assert_row(trace, "weight", layer, tensor_stats(sampled([old for old, _ in pairs])))
    assert_row(trace, "weight_update", layer, tensor_stats(update))
    gradient = tensor_stats(-update / rate)
    tolerance = 2e-7 / rate / gradient["rms"]  # the update was rounded when it was added to the weight
    for stat in ("mean", "rms", "min", "max"):
        recorded = trace.series("weight_gradient", stat)[0, layer]
        np.testing.assert_allclose(recorded, gradient[stat], atol=max(1e-3, tolerance) * gradient["rms"], err_msg=stat)


@check
def statistics_of_an_image_model_are_those_of_numpy():
    seed()
    x = np.random.default_rng(0).normal(size=(16, 8, 8, 2)).astype("float32")
    y = np.random.default_rng(1).normal(size=(16, 1)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2), name="input"),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(5),
            layers.Activation("tanh"),
            layers.Dense(1),
        ]
    )
    compiled(model, "mse", 0.5)
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    outputs = outputs_of(twin, x)
    trace, before, after = one_step(model, x, y)
    for at, (output, activation) in enumerate(zip(outputs, ["relu", None, None, None, "tanh", None], strict=True)):
        assert_row(trace, "activation", at, activation_stats(output, activation))
    assert_row(trace, "preactivation", 4, tensor_stats(outputs[3]))
    kernel, bias = before[0]
    patches = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    assert_row(trace, "preactivation", 0, tensor_stats(np.einsum("bxycij,ijco->bxyo", patches, kernel) + bias))
    for at in (0, 3, 5):
        assert_parameters(trace, at, before[at], after[at], 0.5)
    # backwards by hand: mean squared error, the last dense layer, tanh, the dense layer before it
    last = 2 * (outputs[5] - y) / len(y)
    hidden = last @ before[5][0].T
    linear = hidden * (1 - outputs[4] ** 2)
    flat = linear @ before[3][0].T
    for at, gradient in ((5, last), (4, hidden), (3, linear), (2, flat), (1, flat)):
        assert_row(trace, "activation_gradient", at, tensor_stats(gradient))
    np.testing.assert_allclose(trace.scalar("loss"), np.square(outputs[5] - y).mean(), rtol=1e-5)


@check
def statistics_of_large_tensors_read_the_defined_sample():
    seed()
    x, _ = problem(rows=101, features=300)
    y = np.random.default_rng(1).normal(size=(101, 200)).astype("float32")
    model = keras.Sequential(
        [keras.Input((300,), name="input"), layers.Dense(400, activation="sigmoid"), layers.Dense(200)]
    )
    compiled(model, "mse", 0.5)
    outputs = outputs_of(model, x)
    assert example_stride(outputs[0].shape) > 1
    assert element_stride(300 * 400) > 1
    trace, before, after = one_step(model, x, y)
    for at, activation in ((0, "sigmoid"), (1, None)):
        assert_row(trace, "activation", at, activation_stats(outputs[at], activation))
        assert_parameters(trace, at, before[at], after[at], 0.5)


@check
def statistics_of_large_examples_read_the_defined_sample():
    seed()
    x = np.random.default_rng(0).normal(size=(9, 40, 40, 2)).astype("float32")
    y = np.random.default_rng(1).normal(size=(9, 40, 40, 8)).astype("float32")
    model = keras.Sequential([keras.Input((40, 40, 2)), layers.Conv2D(8, 3, padding="same", activation="relu")])
    compiled(model, "mse", 0.5)
    output = keras.ops.convert_to_numpy(model(x))
    assert inner_stride(output.shape) > 1
    trace, *_ = one_step(model, x, y)
    assert_row(trace, "activation", 0, activation_stats(output, "relu"))
    assert_row(trace, "activation_gradient", 0, values_stats(2 * (output - y) / y.size))


@check
def statistics_of_a_recurrent_model_are_those_of_numpy():
    seed()
    x = np.random.default_rng(0).integers(0, 20, (12, 7))
    y = np.random.default_rng(1).normal(size=(12, 1)).astype("float32")
    model = keras.Sequential(
        [keras.Input((7,), name="input", dtype="int32"), layers.Embedding(20, 6), layers.LSTM(5), layers.Dense(1)]
    )
    compiled(model, "mse", 0.5)
    outputs = outputs_of(model, x)
    trace, before, after = one_step(model, x, y)
    assert [layer.kind for layer in trace.layers] == ["embedding", "recurrent", "dense"]
    for at, activation in enumerate((None, "tanh", None)):
        assert_row(trace, "activation", at, activation_stats(outputs[at], activation))
        assert_parameters(trace, at, before[at], after[at], 0.5)
    gradients = [
        -(new - old) / 0.5
        for olds, news in zip(before, after, strict=True)
        for old, new in zip(olds, news, strict=True)
    ]
    norm = np.sqrt(sum(np.square(each).sum() for each in gradients))
    np.testing.assert_allclose(trace.scalar("gradient_norm"), norm, rtol=1e-3)


@check
def the_loss_of_every_step_is_that_of_its_batch_not_the_mean_over_the_epoch():
    x, y = problem(rows=40)
    losses = []

    def noted(true, predicted):
        return keras.losses.sparse_categorical_crossentropy(true, predicted)

    for watch in (False, True):
        seed()
        model = compiled(mlp(layers.Dense(4, activation="relu")), noted)
        if watch:
            with watched() as seen:
                model.fit(x, y, batch_size=8, epochs=9, shuffle=False, verbose=0)
        else:
            for _ in range(9):
                losses += [model.train_on_batch(x[at : at + 8], y[at : at + 8]) for at in range(0, 40, 8)]
    assert len(seen.trace.sampled) < len(seen.trace.steps) == 45
    np.testing.assert_allclose(seen.trace.scalar("loss"), np.ravel(losses), rtol=1e-4)


@check
def states_say_who_may_train_and_who_is_reached():
    seed()
    x, y = problem()
    inputs = keras.Input((6,))
    frozen = layers.Dense(4, trainable=False, name="frozen")
    shared = layers.Dense(4, activation="relu", name="shared")
    beside = layers.Dense(3, name="beside")
    norm = layers.BatchNormalization(trainable=False, name="norm")
    hidden = layers.Dropout(0.5, name="dropout")(norm(shared(frozen(inputs))))
    cut = layers.Lambda(keras.ops.stop_gradient, output_shape=(3,))(beside(hidden))
    output = layers.Dense(3, activation="softmax", name="head")(layers.Concatenate()([hidden, cut]))
    model = compiled(keras.Model(inputs, output))
    with watched() as seen, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gradients do not exist")  # Keras notices the cut too
        model.fit(x, y, batch_size=16, verbose=0)
    trace = seen.trace
    by_name = {layer.name: layer.index for layer in trace.layers}

    def state(name, layer):
        return trace.series("layer", name)[0, by_name[layer]]

    assert state("trainable", "frozen") == 0
    assert state("optimized", "frozen") == 0
    assert np.isnan(state("reached", "frozen"))
    assert state("reached", "shared") == state("reached", "head") == 1
    assert state("reached", "beside") == 0
    assert state("training", "shared") == 1
    assert state("training", "dropout") == 1
    assert state("training", "norm") == 0
    assert trace.run.parameters == sum(each.parameters for each in trace.layers)
    assert trace.run.trainable == trace.run.optimized == trace.run.parameters - 28 - 8


@check
def gradients_are_told_in_the_units_of_the_loss_when_the_loss_is_scaled():
    x, y = problem()
    norms = []
    for scaled in (False, True):
        seed()
        optimizer = keras.optimizers.SGD(0.05)
        model = mlp(layers.Dense(4, activation="tanh"))
        model.compile(
            keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer, "sparse_categorical_crossentropy"
        )
        with watched() as seen:
            model.fit(x, y, batch_size=16, verbose=0, shuffle=False)
        trace = seen.trace
        norms.append(
            [
                trace.scalar("gradient_norm"),
                trace.series("weight_gradient", "rms"),
                trace.series("activation_gradient", "rms"),
            ]
        )
        assert trace.run.optimizers[0].kind == "sgd"
        np.testing.assert_allclose(trace.scalar("learning_rate"), 0.05, rtol=1e-6)
        np.testing.assert_array_equal(trace.scalar("loss_scale"), 2.0**15 if scaled else np.nan)
    for plain, from_scaled in zip(*norms, strict=True):
        np.testing.assert_allclose(plain, from_scaled, rtol=1e-4)


def with_an_infinite_slope(_, prediction):
    return keras.ops.sqrt(keras.ops.sum(keras.ops.square(prediction - keras.ops.stop_gradient(prediction)), axis=-1))


@check
def a_scale_of_the_loss_that_is_halved_until_nothing_is_left_spoils_no_other_number():
    seed()
    x, y = problem()
    model = mlp(layers.Dense(4, activation="tanh"))
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.05), initial_scale=2.0**-140)
    model.compile(optimizer, with_an_infinite_slope)
    with watched() as seen:
        model.fit(x, y, batch_size=4, epochs=4, verbose=0, shuffle=False)
    scales = seen.trace.scalar("loss_scale")
    assert not seen.trace.failures
    assert scales[-1] == 0 or scales[-1] == scales[1]  # a backend may take what is as small as this for 0
    assert np.isnan(seen.trace.scalar("gradient_norm")[scales == 0]).all()


@check
def data_and_predictions_are_told_from_the_batches_trained_on():
    seed()
    x, y = problem(rows=96)
    x[:, 2] = 7
    model = compiled(mlp(layers.Dense(4)))
    with watched() as seen:
        model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    (inputs,), (targets,) = seen.trace.data.inputs, seen.trace.data.targets
    assert (inputs.examples, inputs.columns, inputs.constant_columns, inputs.maximum) == (192, 6, 1, 7)
    assert (targets.encoding, sum(count for _, count in targets.counts)) == ("class-index", 192)
    shares = np.bincount(y) / len(y)
    np.testing.assert_allclose(seen.trace.data.baseline_loss, -(shares * np.log(shares)).sum(), rtol=1e-6)
    assert seen.trace.sample.inputs.shape == (192, 6)
    assert seen.trace.scalar("prediction.row_sum_error").max() < 1e-5
    assert ((seen.trace.scalar("accuracy") >= 0) & (seen.trace.scalar("accuracy") <= 1)).all()


@check
def a_softmax_called_as_a_function_is_seen_as_the_activation_of_the_layer_before():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.head = layers.Dense(4), layers.Dense(3)

        def call(self, x):
            return keras.ops.softmax(self.head(keras.activations.relu(self.hidden(x))))

    seed()
    x, y = problem()
    with watched() as seen:
        model = compiled(Model())
        model.fit(x, y, batch_size=16, verbose=0)
    trace = seen.trace
    assert [layer.activation for layer in trace.layers] == ["relu", "softmax"]
    head = trace.run.objectives[0].head
    assert (head.layer, head.activation, head.activation_layer, head.units) == (1, "softmax", None, 3)
    assert (trace.series("activation", "min")[:, 0] == 0).all()
    assert (trace.series("preactivation", "min")[:, 0] < 0).all()


@check
def no_value_of_a_healthy_run_is_said_to_be_not_finite():
    seed()
    x, y = problem()
    model = compiled(mlp(layers.Dense(4, activation="relu"), layers.BatchNormalization()))
    with watched() as seen:
        model.fit(x, y, batch_size=16, epochs=10, verbose=0)
    roles = ("activation", "preactivation", "activation_gradient", "weight", "weight_gradient", "weight_update")
    for role in roles:
        assert first_nonfinite(seen.trace, role) is None
        assert np.isfinite(seen.trace.series(role, "nonfinite")).any()
    head_on_tensorflow = BACKEND == "tensorflow"  # its loss takes the logits, around the softmax
    gradients = seen.trace.series("activation_gradient", "rms")[:, :2]
    assert np.isfinite(gradients).all() and (
        head_on_tensorflow or np.isfinite(seen.trace.series("activation_gradient", "rms")).all()
    )


@check(backends=("torch",))
def what_a_layer_changes_in_place_is_recorded_as_it_was_handed_on():
    class Shift(layers.Layer):
        def call(self, x):
            x += 100.0
            return x

    seed()
    x, y = problem()
    model = compiled(keras.Sequential([layers.Input((6,)), layers.Rescaling(2.0), Shift(), layers.Dense(3)]))
    with watched() as seen:
        model.train_on_batch(x, y)
    np.testing.assert_allclose(seen.trace.series("activation", "mean")[0, 0], 2 * x.mean(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen.trace.series("activation", "mean")[0, 1], 2 * x.mean() + 100, rtol=1e-4)
