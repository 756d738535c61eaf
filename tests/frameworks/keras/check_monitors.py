"""What callbacks that watch a quantity did, and which direction they took for better."""

import keras
from harness import check, compiled, line_of, mlp, problem, seed, watched


def watching(*callbacks, model=None, epochs=6, **settings):
    seed()
    with watched() as seen:
        trained = compiled(
            model or mlp(), metrics=["accuracy", keras.metrics.SparseCategoricalCrossentropy(name="error")], **settings
        )
        trained.fit(*problem(), batch_size=16, epochs=epochs, verbose=0, callbacks=[each() for each in callbacks])
    return seen.trace.run.monitors


def stopper(monitor="accuracy", mode="min", **settings):
    return lambda: keras.callbacks.EarlyStopping(
        monitor,
        patience=2,
        mode=mode,  # <mode>
        **settings,
    )


def slower(monitor="loss", mode="max", **settings):
    return lambda: keras.callbacks.ReduceLROnPlateau(monitor, factor=0.9, mode=mode, **settings)


@check
def a_stop_is_known_with_its_values_and_the_line_of_its_mode():
    (found,) = watching(stopper(restore_best_weights=True), epochs=20)
    assert (found.kind, found.quantity, found.takes, found.better) == ("EarlyStopping", "accuracy", "down", "up")
    assert found.stopped and found.restored and found.value >= found.best
    assert found.source.line == line_of("mode", __file__)
    (found,) = watching(stopper(), epochs=20)
    assert found.stopped and not found.restored
    (found,) = watching(stopper("loss", "min"))
    assert not found.stopped and found.better == found.takes == "down"


@check
def cuts_of_the_rate_are_counted():
    assert [each.cuts for each in watching(slower(patience=1))] == [5]
    (found,) = watching(slower(patience=2), epochs=9)
    assert (found.cuts, found.takes, found.better) == (4, "up", "down")
    assert found.value < found.best
    assert [each.cuts for each in watching(slower(patience=1, cooldown=2), epochs=8)] == [4]
    assert [each.cuts for each in watching(slower(mode="min", patience=1))] in ([], [0])


@check
def the_direction_of_a_metric_is_the_one_that_keras_knows():
    (found,) = watching(stopper("error", "max"))
    assert found.better == "down"

    class Own(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(y_pred)

    seed()
    with watched() as seen:
        trained = compiled(mlp(), metrics=[Own(name="accuracy")])
        trained.fit(*problem(), batch_size=16, epochs=4, verbose=0, callbacks=[stopper()()])
    assert [each.better for each in seen.trace.run.monitors] == [None]


@check
def callbacks_that_may_mean_it_are_not_looked_at():
    class Own(keras.callbacks.EarlyStopping):
        pass

    assert watching(lambda: Own("accuracy", mode="min")) == ()
    assert watching(stopper(mode="auto")) == ()
    assert watching(stopper(baseline=0.5)) == ()

    class Stepping(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = keras.layers.Dense(3, activation="softmax")

        def call(self, x):
            return self.head(x)

        def train_step(self, *args):
            return super().train_step(*args)

    assert watching(stopper(), model=Stepping()) == ()
