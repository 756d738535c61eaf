"""What is said of the program: layers, losses, optimizers, and the user's lines."""

import warnings

import keras
import numpy as np
from harness import check, compiled, line_of, mlp, problem, seed, watched
from keras import layers

from deeplocalize.frameworks.keras import callback
from deeplocalize.frameworks.keras.probe import KerasProbe
from deeplocalize.frameworks.session import Session
from deeplocalize.trace import TraceLog


def fitted(model, x=None, y=None, **settings):
    """The trace of one short fit; the model is built inside, so that its lines are seen."""
    with watched() as seen:
        built = model()
        default = problem()
        built.fit(default[0] if x is None else x, default[1] if y is None else y, batch_size=32, verbose=0, **settings)
    return seen.trace


def build_in_lines():
    model = keras.Sequential()  # <model>
    model.add(keras.Input((6,)))
    model.add(
        layers.Dense(  # <dense>
            4,  # <units>
            activation="relu",  # <activation>
            kernel_initializer="he_normal",  # <initializer>
        )
    )
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(  # <compile>
        optimizer=keras.optimizers.Adam(  # <optimizer>
            learning_rate=0.01,  # <rate>
            clipnorm=1.0,
        ),
        loss="sparse_categorical_crossentropy",  # <loss>
    )
    return model


@check
def lines_are_those_of_the_users_file():
    trace = fitted(build_in_lines)
    first = trace.layers[0]

    def at(source):
        return source.line

    assert at(first.source) == line_of("dense", __file__)
    assert at(first.sources["units"]) == line_of("units", __file__)
    assert at(first.sources["activation"]) == line_of("activation", __file__)
    assert at(first.sources["kernel_initializer"]) == line_of("initializer", __file__)
    (optimizer,), (objective,) = trace.run.optimizers, trace.run.objectives
    assert at(optimizer.source) == line_of("optimizer", __file__)
    assert at(optimizer.sources["learning_rate"]) == line_of("rate", __file__)
    assert at(objective.loss.source) == line_of("loss", __file__)
    assert at(trace.run.sources["compile"]) == line_of("compile", __file__)
    assert at(trace.run.sources["model"]) == line_of("model", __file__)
    assert set(trace.run.sources) == {"fit", "compile", "model", "inputs", "targets"}
    assert (optimizer.kind, optimizer.settings["learning_rate"], optimizer.settings["clipnorm"]) == ("adam", 0.01, 1.0)
    assert (first.initializer, first.activation, first.input_shape, first.output_shape) == (
        "he_normal",
        "relu",
        (6,),
        (4,),
    )
    assert (trace.run.batch_size, trace.run.epochs, trace.run.shuffled) == (32, 1, True)


@check
def a_callback_alone_is_enough():
    seed()
    x, y = problem()
    model = build_in_lines()
    session = Session(TraceLog())
    model.fit(x, y, batch_size=32, verbose=0, callbacks=[callback.new(KerasProbe(session))])
    (trace,) = session.log.traces()
    assert trace.failures == ()
    assert trace.steps.tolist() == [0, 1]
    assert trace.run.objectives[0].head.activation == "softmax"
    assert "fit" in trace.run.sources
    assert np.isfinite(trace.series("weight_gradient", "rms")).all()
    assert trace.run.shuffled is True


@check
def the_axis_of_the_last_softmax_is_known():
    def build(last, drop=0.0):
        inputs = keras.Input((6,))
        scores = layers.Dropout(drop)(last(layers.Dense(3)(inputs)))
        return compiled(keras.Model(inputs, scores))

    for last, axis in [
        (layers.Softmax(axis=0), 0),
        (layers.Softmax(), 1),
        (layers.Activation("softmax"), 1),
        (layers.Dense(3, activation="softmax"), 1),
        (lambda scores: keras.ops.softmax(scores, axis=0), 0),
        (lambda scores: keras.activations.softmax(scores, axis=-1), 1),
        (lambda scores: layers.Reshape((3,))(layers.Softmax(axis=0)(scores)), None),
        (layers.Activation("relu"), None),
    ]:
        trace = fitted(lambda last=last: build(last))
        assert trace.run.objectives[0].head.normalized_axis == axis, (last, axis)


@check
def a_softmax_over_the_only_unit_of_a_layer_is_known_with_its_line():
    class Pool(layers.Layer):
        def __init__(self, units, axis, **named):
            super().__init__(**named)
            self.score, self.axis = layers.Dense(units), axis

        def call(self, x):
            weights = keras.ops.softmax(self.score(x), axis=self.axis)
            return keras.ops.mean(weights * x, axis=1)

    def build(make):
        inputs = keras.Input((6,))
        weighed = make(layers.Reshape((3, 2))(inputs))
        return compiled(keras.Model(inputs, layers.Dense(3, activation="softmax")(weighed)))

    for make, line in [
        (lambda x: Pool(1, -1)(x), "keras.ops.softmax(self.score(x)"),
        (lambda x: layers.Flatten()(layers.Dense(1, activation="softmax")(x)), "layers.Dense(1"),
        (lambda x: layers.Flatten()(layers.Softmax()(layers.Dense(1)(x))), "layers.Softmax()"),
    ]:
        with warnings.catch_warnings(action="ignore"):  # Keras may warn of it itself
            found = fitted(lambda make=make: build(make)).run.inner_softmax
        assert found is not None and line in found.source.text, found
        assert found.shape[1:] == (3, 1) and found.axis == 2

    for make in (
        lambda x: Pool(1, 1)(x),
        lambda x: Pool(2, -1)(x),
        lambda x: layers.Flatten()(layers.Softmax()(layers.Permute((2, 1))(layers.Dense(1)(x)))),
        lambda x: layers.Dense(1, activation="softmax")(layers.Flatten()(x)),
    ):
        with warnings.catch_warnings(action="ignore"):
            assert fitted(lambda make=make: build(make)).run.inner_softmax is None


@check
def it_is_known_if_weights_may_be_kept_while_training():
    """Keras's own callbacks that only look, or set the rate, keep none; of any other nobody knows."""

    class Own(keras.callbacks.Callback):
        pass

    harmless = [keras.callbacks.TerminateOnNaN(), keras.callbacks.ReduceLROnPlateau(monitor="loss")]
    for given, kept in (
        (None, False),
        (harmless, False),
        (keras.callbacks.EarlyStopping(monitor="loss"), True),
        ([*harmless, keras.callbacks.SwapEMAWeights()], True),
        ([Own()], True),
    ):
        assert fitted(build_in_lines, callbacks=given).run.keeps_weights is kept


@check
def between_two_fits_anything_may_be_kept():
    seed()
    x, y = problem()
    with watched() as seen:
        model = build_in_lines()
        for _ in range(2):
            model.fit(x, y, batch_size=32, verbose=0)
    assert seen.trace.run.keeps_weights is True


@check
def weights_of_classes_and_the_label_to_leave_out_are_known():
    def build():
        model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax")])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(ignore_class=1))
        return model

    trace = fitted(build, class_weight={0: 0.5, 2: 4})
    loss = trace.run.objectives[0].loss
    assert (loss.class_weights, loss.ignore_index, loss.weighted) == ((0.5, 1.0, 4.0), 1, True)
    assert 0 < np.nanmean(trace.scalar("target.ignored")) < 1
    assert fitted(build).run.objectives[0].loss.class_weights == ()


@check
def nested_models_are_told_by_their_layers():
    def build():
        block = keras.Sequential([keras.Input((6,)), layers.Dense(5, name="a"), layers.ReLU(name="b")], name="block")
        inputs = keras.Input((6,), name="features")
        joined = layers.Concatenate(name="join")([block(inputs), layers.Dense(2, name="side")(inputs)])
        model = keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(joined))
        return compiled(model)

    trace = fitted(build)
    told = {layer.name: (layer.kind, layer.activation) for layer in trace.layers}
    assert told == {
        "block/a": ("dense", "relu"),
        "block/b": ("activation", "relu"),
        "side": ("dense", "linear"),
        "join": ("merge", None),
        "head": ("dense", "softmax"),
    }
    assert [layer.index for layer in trace.layers] == list(range(5))
    assert sorted(layer.order for layer in trace.layers) == list(range(5))
    assert np.isfinite(trace.series("activation", "rms")).all()
    assert trace.data.inputs[0].name == "features"


class Block(layers.Layer):
    """A container of the user's own, with a parameter of its own."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.inner = layers.Dense(4, name="inner")

    def build(self, shape):
        self.inner.build(shape)
        self.scale = self.add_weight(shape=(4,), initializer="ones", name="scale")

    def call(self, x):
        return keras.ops.tanh(self.inner(x)) * self.scale


@check(backends=("torch",))  # only what is said of objects, which is the same on all
def containers_of_the_users_own_are_opened_and_those_of_keras_are_not():
    def build():
        inputs = keras.Input((6,))
        hidden = layers.Reshape((2, 2))(Block(name="block")(inputs))
        hidden = layers.Bidirectional(layers.GRU(2), name="both")(hidden)
        return compiled(keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(hidden)))

    trace = fitted(build)
    told = {layer.name: (layer.kind, layer.parameters) for layer in trace.layers if layer.kind != "reshape"}
    assert told == {
        "block/inner": ("dense", 28),
        "block": ("custom", 4),
        "both": ("recurrent", 72),
        "head": ("dense", 15),
    }
    assert np.isfinite(
        trace.series("weight_gradient", "rms")[:, [layer.index for layer in trace.layers if layer.parameters]]
    ).all()


@check
def every_output_of_a_model_has_its_loss_and_head():
    def build():
        inputs = keras.Input((6,))
        hidden = layers.Dense(4, activation="tanh")(inputs)
        kind = layers.Dense(3, name="kind")(hidden)
        size = layers.Dense(1, name="size")(hidden)
        likely = layers.Activation("sigmoid", name="likely")(layers.Dropout(0.1)(layers.Dense(1, name="odds")(hidden)))
        model = keras.Model(inputs, [kind, size, likely])
        losses = {
            "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "size": "mse",
            "likely": keras.losses.BinaryCrossentropy(label_smoothing=0.1),
        }
        model.compile(optimizer="rmsprop", loss=losses)
        return model

    x, y = problem()
    trace = fitted(build, x, {"kind": y, "size": x[:, :1], "likely": (x[:, 1:2] > 0).astype("float32")})
    told = [
        (each.loss.kind, each.loss.takes, each.loss.label_smoothing, each.head.units) for each in trace.run.objectives
    ]
    assert told == [
        ("cross-entropy", "logits", 0.0, 3),
        ("mean-squared-error", "values", 0.0, 1),
        ("binary-cross-entropy", "probabilities", 0.1, 1),
    ]
    names = [
        [trace.layers[at].name for at in (each.head.layer, each.head.activation_layer)] for each in trace.run.objectives
    ]
    assert names == [["kind", "kind"], ["size", "size"], ["odds", "likely"]]
    assert [each.head.activation for each in trace.run.objectives] == ["linear", "linear", "sigmoid"]
    assert [each.encoding for each in trace.data.targets] == ["class-index", "continuous", "binary"]
    assert trace.run.optimizers[0].kind == "rmsprop"


@check
def settings_are_told_by_their_usual_names():
    def build():
        schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
        optimizer = keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=0.01)
        model = mlp(layers.Dense(4, kernel_initializer="zeros"))
        model.compile(optimizer=optimizer, loss=keras.losses.sparse_categorical_crossentropy)
        return model

    trace = fitted(build, class_weight={0: 1.0, 1: 2.0, 2: 1.0})
    (optimizer,), (objective,) = trace.run.optimizers, trace.run.objectives
    assert {name: optimizer.settings[name] for name in ("learning_rate", "schedule", "momentum", "weight_decay")} == {
        "learning_rate": 0.1,
        "schedule": "ExponentialDecay",
        "momentum": 0.9,
        "weight_decay": 0.01,
    }
    np.testing.assert_allclose(trace.scalar("learning_rate"), [0.1, 0.05], rtol=1e-5)
    assert (objective.loss.kind, objective.loss.weighted) == ("cross-entropy", True)
    assert trace.layers[0].initializer == "zeros"


@check(backends=("torch",))
def a_loss_of_the_users_own_is_not_taken_for_a_known_one():
    def build():
        def mean_squared_error(true, predicted):
            return keras.ops.mean(keras.ops.abs(true - predicted), axis=-1)

        return compiled(keras.Sequential([keras.Input((6,)), layers.Lambda(lambda x: x[:, :2])]), mean_squared_error)

    def trainable():
        model = build()
        model.add(layers.Dense(2))
        return compiled(model, model.loss)

    x, _ = problem()
    trace = fitted(trainable, x, x[:, :2])
    objective = trace.run.objectives[0]
    assert (objective.loss.kind, objective.loss.takes, objective.loss.name) == ("other", None, "mean_squared_error")


@check(backends=("torch",))
def a_prediction_and_target_that_are_broadcast_are_noticed():
    def build():
        return compiled(keras.Sequential([keras.Input((6,)), layers.Dense(2)]), "mse")

    x, _ = problem()
    assert fitted(build, x, x[:, :1]).run.objectives[0].loss.broadcasts
    assert not fitted(build, x, x[:, :2]).run.objectives[0].loss.broadcasts


def _three(activation, between=None):
    outer = keras.Input((6,))
    inner = layers.Dense(4, activation=activation)(layers.Dropout(0.1)(outer))
    inner = between(inner) if between is not None else inner
    model = keras.Model(outer, layers.Dense(3, activation="softmax")(inner))
    return compiled(model, "sparse_categorical_crossentropy")


@check
def a_head_is_linear_where_nothing_else_is_before_it():
    linear = [
        fitted(lambda activation=activation, between=between: _three(activation, between)).run.objectives[0].head.linear
        for activation, between in [
            (None, None),
            (None, layers.BatchNormalization()),
            ("relu", None),
            (lambda x: x * x, None),
            (None, layers.ReLU()),
            (None, keras.ops.tanh),
            (None, keras.ops.square),
            (None, layers.LayerNormalization()),
            (None, layers.Lambda(lambda x: x * x)),
        ]
    ]
    assert linear == [True, True] + 7 * [False]


@check
def penalties_of_a_kernel_are_settings_of_its_layer():
    def build():
        l1_l2 = layers.Dense(8, activation="relu", kernel_regularizer=keras.regularizers.L1L2(0.25, 0.5))
        return compiled(keras.Sequential([keras.Input((6,)), l1_l2, layers.Dense(3, activation="softmax")]))

    first, last = fitted(build).layers
    assert (first.settings["l1"], first.settings["l2"]) == (0.25, 0.5)
    assert not {"l1", "l2"} & last.settings.keys()
