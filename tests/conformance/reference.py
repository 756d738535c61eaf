"""The same training in plain numpy: the slow, obvious second implementation that every probe is compared with.

A network of dense layers is trained by gradient descent, with every formula written out; the statistics are those of
`deeplocalize.trace.definitions`.
"""

from __future__ import annotations

import itertools

import numpy as np

from deeplocalize.trace.definitions import activation_stats, tensor_stats

RATE = 0.1
ACTIVATIONS = ("relu", "tanh", "sigmoid", "linear")
WIDTHS = (5, 7, 6, 4, 3)
STEPS = 12
ROWS = 16


def problem(task):
    """(weights and biases, inputs [steps, rows, features], targets) of a seeded tiny problem."""
    rng = np.random.default_rng(7)
    shapes = list(itertools.pairwise(WIDTHS))
    weights = [rng.normal(0, 1 / np.sqrt(rows), (rows, columns)).astype(np.float32) for rows, columns in shapes]
    biases = [rng.normal(0, 0.1, columns).astype(np.float32) for _, columns in shapes]
    x = rng.normal(size=(STEPS, ROWS, WIDTHS[0])).astype(np.float32)
    if task == "classification":
        return weights, biases, x, rng.integers(0, WIDTHS[-1], (STEPS, ROWS))
    return weights, biases, x, rng.normal(size=(STEPS, ROWS, WIDTHS[-1])).astype(np.float32)


FORWARD = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "linear": lambda z: z,
}
SLOPE = {
    "relu": lambda z, a: (z > 0).astype(z.dtype),
    "tanh": lambda z, a: 1 - a * a,
    "sigmoid": lambda z, a: a * (1 - a),
    "linear": lambda z, a: np.ones_like(z),
}


def loss_and_gradient(task, output, target):
    """The mean loss of a batch and its gradient with respect to the network's output [rows, units]."""
    if task == "regression":
        return float(np.square(output - target).mean()), 2 * (output - target) / output.size
    shifted = np.exp(output - output.max(axis=1, keepdims=True))
    shares = shifted / shifted.sum(axis=1, keepdims=True)
    rows = np.arange(len(target))
    gradient = shares.copy()
    gradient[rows, target] -= 1
    return float(-np.log(shares[rows, target]).mean()), gradient / len(target)


def train(task):
    """Train and return what a trace must hold: {"loss": [steps], "role.stat": [steps, layers]}."""
    weights, biases, x, y = problem(task)
    weights, biases = ([each.astype(np.float64) for each in group] for group in (weights, biases))
    losses, rows = [], []
    for inputs, target in zip(x, y, strict=True):
        loss, row = step(task, weights, biases, inputs.astype(np.float64), target)
        losses.append(loss)
        rows.append(row)
    names = {name for row in rows for name in row}
    table = {name: np.array([row.get(name, [np.nan] * len(weights)) for row in rows]) for name in names}
    return {"loss": np.array(losses)} | table


def step(task, weights, biases, inputs, target):
    """One step of gradient descent in place; its loss and the statistics of each layer."""
    z, a = [], [inputs]
    for weight, bias, activation in zip(weights, biases, ACTIVATIONS, strict=True):
        z.append(a[-1] @ weight + bias)
        a.append(FORWARD[activation](z[-1]))
    loss, gradient = loss_and_gradient(task, a[-1], target)
    columns = {}

    def note(role, layer, stats):
        for stat, value in stats.items():
            columns.setdefault(f"{role}.{stat}", [np.nan] * len(weights))[layer] = value

    for layer in reversed(range(len(weights))):
        activation = ACTIVATIONS[layer]
        note("activation", layer, activation_stats(a[layer + 1], activation))
        if activation != "linear":
            note("preactivation", layer, tensor_stats(z[layer]))
        note("activation_gradient", layer, tensor_stats(gradient))
        delta = gradient * SLOPE[activation](z[layer], a[layer + 1])
        gradient = delta @ weights[layer].T
        kernel_gradient = a[layer].T @ delta
        note("weight", layer, tensor_stats(weights[layer]))
        note("weight_gradient", layer, tensor_stats(kernel_gradient))
        before = weights[layer].copy()
        weights[layer] -= RATE * kernel_gradient
        biases[layer] -= RATE * delta.sum(axis=0)
        note("weight_update", layer, tensor_stats(weights[layer] - before))
    return loss, columns
