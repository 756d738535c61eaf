"""What is seen of attention: where its vectors come from, and gradients whose shape a graph does not know."""

import keras
import numpy as np
from harness import check, compiled, seed, watched
from keras import layers, ops


class Places(layers.Layer):
    def build(self, shape):
        self.table = self.add_weight(shape=shape[1:], name="places")

    def call(self, x):
        return x + self.table


def encoder(between=(), **given):
    inputs = keras.Input((5,), dtype="int32")
    x = layers.Embedding(9, 8)(inputs)
    for layer in between:
        x = layer(x)
    h = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x, **given))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(h)))


def unplaced(model):
    """The layer whose vectors the attention is told to be given as they are, by its kind."""
    seed()
    x, y = np.random.randint(0, 9, (32, 5)), np.random.randint(0, 3, 32)
    with watched() as seen:
        compiled(model).fit(x, y, batch_size=16, verbose=0)
    (attention,) = [layer for layer in seen.trace.layers if layer.kind == "attention"]
    assert np.isfinite(seen.trace.series("weight_gradient", "rms")[:, attention.index]).all()
    return None if attention.unplaced is None else seen.trace.layers[attention.unplaced].kind


@check
def only_what_is_the_same_in_all_places_may_come_between_an_embedding_and_its_attention():
    assert unplaced(encoder()) == "embedding"
    assert unplaced(encoder([layers.Dropout(0.1), layers.LayerNormalization()])) == "embedding"
    assert unplaced(encoder([Places()])) is None
    assert unplaced(encoder([lambda x: x + ops.reshape(ops.arange(5, dtype="float32"), (1, 5, 1))])) is None
    assert unplaced(encoder([layers.Conv1D(8, 3, padding="same")])) is None
    assert unplaced(encoder(use_causal_mask=True)) is None
