"""Layers that are set free after their model was compiled are known with the line; others have none."""

import contextlib

import keras
from harness import BACKEND, check, compiled, line_of, problem, seed, watched
from keras import layers


def frozen():
    base = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="relu")])
    base.trainable = False
    return base, compiled(keras.Sequential([base, layers.Dense(3, activation="softmax")]))


def fit(model, epochs=2):
    model.fit(*problem(), batch_size=16, epochs=epochs, verbose=0)


def late(traces):
    return [{layer.index: layer.sources.get("unfrozen") for layer in trace.layers} for trace in traces]


@check
def layers_set_free_after_the_model_was_compiled_are_known_with_the_line():
    seed()
    refused = BACKEND != "tensorflow"  # by the optimizer, which does not know them
    with watched() as seen, contextlib.suppress(ValueError) if refused else contextlib.nullcontext():
        base, model = frozen()
        fit(model)
        base.trainable = True  # <free>
        fit(model)
    (found,) = late(seen.traces)
    assert found[0] is not None and found[0].line == line_of("free", __file__)
    assert found[1] is None
    assert (seen.trace.series("layer", "trainable")[:, 0] == 0).all()


@check
def layers_set_free_before_compile_or_after_the_last_fit_are_not_late():
    seed()
    with watched() as seen:
        base, model = frozen()
        fit(model)
        base.trainable = True
        compiled(model)
        fit(model)
        base.trainable = False
        base.trainable = True
        fit(model)
        base, model = frozen()
        fit(model)
        base.trainable = True
    assert len(seen.traces) == 3
    assert all(source is None for found in late(seen.traces) for source in found.values())
