"""What a program loads into a model, and what it evaluates the model on."""

import os
import tempfile
import warnings

import keras
from harness import check, compiled, line_of, mlp, problem, watched
from keras import layers


@check
def weights_loaded_by_name_are_counted():
    with tempfile.TemporaryDirectory() as folder, watched() as seen:
        path = os.path.join(folder, "weights.h5")
        x, y = problem()
        mlp().save(path)
        model = mlp()
        model.load_weights(path, by_name=True)  # <load>
        compiled(model).fit(x, y, batch_size=32, verbose=0)
    (loading,) = seen.trace.run.loaded
    assert loading.found == 0 and loading.missing == loading.unexpected == len(model.weights)
    assert loading.source.line == line_of("load", __file__)


@check
def weights_passed_over_for_their_size_are_counted():
    def loading(width, *more, by_name=False):
        hidden = [layers.Dense(width, name="hidden"), layers.Dropout(0.1), *more]
        with tempfile.TemporaryDirectory() as folder, watched() as seen, warnings.catch_warnings(action="ignore"):
            path = os.path.join(folder, "old.h5" if by_name else "model.weights.h5")
            saved = mlp(layers.Dense(4, name="hidden"), layers.Dropout(0.1))
            saved.layers[-1].name = "head"
            saved.save(path) if by_name else saved.save_weights(path)
            model = mlp(*hidden)
            model.layers[-1].name = "head"
            model.load_weights(path, skip_mismatch=True, **({"by_name": True} if by_name else {}))
            compiled(model).fit(*problem(), batch_size=32, verbose=0)
        return [(each.found, each.missing, each.unexpected, each.wanted) for each in seen.trace.run.loaded]

    assert loading(5) == [(0, 4, 4, "hidden")]
    assert loading(4) == []
    assert loading(4, layers.Dense(7, name="new")) == [(2, 4, 2, "new")]
    assert loading(5, by_name=True) == [(0, 4, 4, None)]
    assert loading(4, by_name=True) == [(4, 0, 0, None)]


@check
def evaluations_tell_how_large_their_inputs_are_and_where_they_are_given():
    x, y = problem()
    with watched() as seen:
        model = compiled(mlp())
        model.fit(
            x,
            y,
            batch_size=32,
            epochs=2,
            validation_data=(x * 16, y),  # <validation>
            verbose=0,
        )
        model.evaluate(x / 4, y, verbose=0)  # <evaluate>
    *during, after = seen.trace.run.evaluations
    assert [round(each.scale, 2) for each in during] == [16, 16] and round(after.scale, 2) == 0.25
    assert {each.source.line for each in during} == {line_of("validation", __file__)}
    assert (after.source.line, after.examples) == (line_of("evaluate", __file__), len(x))


@check
def evaluations_on_what_is_no_array_are_left_out():
    x, y = problem()
    with watched() as seen:
        model = compiled(mlp())
        model.fit(x, y, batch_size=32, verbose=0)

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return 1

            def __getitem__(self, _):
                return x, y

        model.evaluate(Batches(), verbose=0)
    assert seen.trace.run.evaluations == ()
