"""Data that the original programs compute themselves: by the formula in the facts, seeded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.deeplocalize40.data import Array, recipe

Rng = np.random.Generator


def column(values: Array) -> Array:
    return np.asarray(values).reshape(len(values), 1)


@recipe("so-31556268")
def xor(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """The four rows of XOR."""
    return np.array([[1, 1], [1, 0], [0, 0], [0, 1]]), column([0, 1, 0, 1])


@recipe("so-34311586")
def xor_with_repeats(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """The four rows of XOR, two of them twice."""
    return np.array([[1, 1], [0, 0], [1, 0], [0, 1], [1, 1], [0, 0]], float), column([0, 0, 1, 1, 0, 0])


def _two_squares(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    low, high = rng.uniform(0.2, 0.4, (rows // 2, 2)), rng.uniform(0.5, 0.7, (rows // 2, 2))
    order = rng.permutation(2 * (rows // 2))
    return np.concatenate([low, high])[order], column(np.repeat([0, 1], rows // 2))[order]


@recipe("so-50306988", fixed=_two_squares)
def alternating_squares(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Points of two separate squares, of each in turn. The repaired program has others: shuffled, and twice as many."""
    low, high = rng.uniform(0.2, 0.4, rows), rng.uniform(0.5, 0.7, rows)
    points = np.stack([low.reshape(-1, 2), high.reshape(-1, 2)], axis=1).reshape(-1, 2)
    return points, column(np.tile([0, 1], rows // 2))


@recipe("so-38648195")
def three_tags(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """scikit-learn's multi-label data with 20 features and 3 tags."""
    from sklearn.datasets import make_multilabel_classification

    return make_multilabel_classification(rows, n_features=20, n_classes=3, random_state=0)


@recipe("so-50481178")
def one_tag(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """scikit-learn's multi-label data with 4 features and one class; of its seeds one with the range in the facts."""
    from sklearn.datasets import make_multilabel_classification

    x, y = make_multilabel_classification(rows, n_features=4, n_classes=1, random_state=1)
    return x, y.reshape(-1, 1)


@recipe("so-33969059", targets='data["y_train"] / 2.2')
def linear_function(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """A linear function of three numbers up to 10,000. The repaired program divides it by 2.2."""
    x = rng.uniform(0, 10_000, (rows, 3))
    return x, column(x @ [2.0, 1.0, 0.5] + 2.2)


@recipe("so-31880720")
def ones_and_zeros(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Rows of ones and rows of zeros in turn (the original has all ones first; it shuffles)."""
    y = column(np.arange(rows) % 2)
    return np.repeat(y, 128, axis=1).astype(np.uint8), y


@recipe("so-39217567", targets='data["x_train"]')
def bytes_permuted(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """All bytes as bits, to be mapped to a random permutation of themselves. The repaired program learns the identity."""
    bits = (np.arange(256)[:, None] >> np.arange(7, -1, -1)) & 1
    return bits, bits[rng.permutation(256)]


@recipe("so-48934338")
def noisy_parabola(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """5 x^2 plus the cube of a normal number, for x = 0, 0.1, ..., 4.9."""
    x = column(np.arange(50) / 10)
    return x, 5 * x**2 + rng.standard_normal((50, 1)) ** 3


@recipe("so-52800582")
def fourth_power(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """x^4 for x = -100, -99.5, ..., 99.5."""
    x = column(np.arange(-100, 100, 0.5))
    return x, x**4


@recipe("so-45337371")
def noise(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Targets that have nothing to do with the inputs."""
    return rng.uniform(size=(rows, 5, 1)), rng.uniform(size=(rows, 5, 1))


@recipe("gh-alexander-travov-gol_nn")
def game_of_life(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Three by three cells of the Game of Life on a torus, padded to five by five, and the cells a step later."""
    cells = rng.integers(0, 2, (rows, 3, 3))
    padded = np.pad(cells, ((0, 0), (1, 1), (1, 1)), mode="wrap")
    neighbors = sum(np.roll(cells, (i, j), (1, 2)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
    later = (neighbors == 3) | ((cells == 1) & (neighbors == 2))
    return padded[..., None], later[..., None].astype(int)


@recipe("gh-vincenty2022-Averaging_Neural_Networks")
def mean_of_two(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Two integers up to 100 and their mean; the script divides the inputs by 100, the targets are divided here."""
    x = rng.integers(0, 101, (rows, 2))
    return x, x.mean(axis=1, keepdims=True) / 100
