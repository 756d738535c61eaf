"""Layers that a model calls without having them among its own are known as such; all others are not."""

import keras
import numpy as np
from harness import check, compiled, line_of, problem, seed, watched
from keras import layers


class Trunk:  # <trunk>
    def __init__(self, trainable=True):
        self.hidden = [layers.Dense(4, activation="relu", trainable=trainable) for _ in range(2)]

    def __call__(self, x):
        for layer in self.hidden:
            x = x[:, :4] + layer(x)
        return x


class Holder(layers.Layer):
    def __init__(self, trunk):
        super().__init__()
        self.parts = {"trunk": trunk}

    def call(self, x):
        return self.parts["trunk"](x)


class Network(keras.Model):
    def __init__(self, trunk, around=lambda x: x):
        super().__init__()
        self.trunk, self.around, self.head = trunk, around, layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.head(self.around(self.trunk(x)))


def trained(build):
    seed()
    with watched() as seen:
        compiled(build()).fit(*problem(), batch_size=16, epochs=2, verbose=0)
    return seen.trace


def untracked(trace):
    return [layer for layer in trace.layers if not layer.registered]


@check
def layers_in_an_object_that_is_no_layer_are_known_with_its_class():
    for build in (lambda: Network(Trunk()), lambda: Network(Holder(Trunk()))):
        trace = trained(build)
        assert [layer.kind for layer in untracked(trace)] == ["dense", "dense"]
        for layer in untracked(trace):
            assert layer.sources["held"].line == line_of("trunk", __file__)
            assert (trace.series("layer", "optimized")[:, layer.index] == 0).all()
            assert (trace.series("layer", "trainable")[:, layer.index] == 1).all()
            assert (trace.series("layer", "reached")[:, layer.index] == 1).all()
            assert len(np.unique(trace.series("weight", "rms")[:, layer.index])) == 1
            assert (trace.series("activation_gradient", "rms")[:, layer.index] > 0).all()


@check
def a_layer_that_a_function_calls_is_known_without_a_holder():
    dense = layers.Dense(4)

    def build():
        return keras.Sequential([keras.Input((6,)), layers.Lambda(lambda x: dense(x)), layers.Dense(3)])

    (layer,) = untracked(trained(build))
    assert "held" not in layer.sources


@check
def layers_that_get_no_gradient_or_are_frozen_are_told_apart():
    trace = trained(lambda: Network(Trunk(), keras.ops.stop_gradient))
    assert all((trace.series("layer", "reached")[:, each.index] == 0).all() for each in untracked(trace))
    assert not untracked(trained(lambda: Network(Trunk(trainable=False))))


@check
def watching_them_changes_no_weight():
    def weights(watch):
        keras.utils.set_random_seed(3)
        model = compiled(Network(Trunk()))
        if watch:
            with watched():
                model.fit(*problem(), batch_size=16, epochs=2, verbose=0)
        else:
            model.fit(*problem(), batch_size=16, epochs=2, verbose=0)
        return model.get_weights()

    assert all(np.array_equal(*pair) for pair in zip(weights(True), weights(False), strict=True))


@check
def layers_that_the_model_tracks_are_its_own():
    class Tracked(layers.Layer):
        def __init__(self):
            super().__init__()
            self.blocks = {"a": [layers.Dense(4)], "b": (layers.Dense(4),)}
            self.gru = layers.Bidirectional(layers.GRU(4))

        def call(self, x):
            x = self.blocks["b"][0](self.blocks["a"][0](x))
            return self.gru(keras.ops.expand_dims(x, 1))

    assert not untracked(trained(lambda: Network(Tracked())))
