"""Train the reference problem in Keras on the backend named in KERAS_BACKEND; argument: the task."""

import sys

import keras
from reference import ACTIVATIONS, RATE, ROWS, WIDTHS, problem


def main():
    weights, biases, x, y = problem(sys.argv[1])
    layers = [keras.layers.Dense(*facts) for facts in zip(WIDTHS[1:], ACTIVATIONS, strict=True)]
    model = keras.Sequential([keras.Input((WIDTHS[0],)), *layers])
    for layer, weight, bias in zip(layers, weights, biases, strict=True):
        layer.set_weights([weight, bias])
    classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss = classes if sys.argv[1] == "classification" else keras.losses.MeanSquaredError()
    model.compile(optimizer=keras.optimizers.SGD(RATE), loss=loss)
    flat = (each.reshape(-1, *each.shape[2:]) for each in (x, y))
    model.fit(*flat, batch_size=ROWS, epochs=1, shuffle=False, verbose=0)


main()
