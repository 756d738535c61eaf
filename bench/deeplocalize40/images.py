"""Images and bags of words, none of which can be had here: seeded stand-ins that are learnable in the same manner."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.deeplocalize40.data import RECIPES, Array, Recipe, recipe
from bench.deeplocalize40.formulas import Rng, column


def _digits(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """For MNIST: scikit-learn's 8x8 digits enlarged to 20x20, put at a random place near the middle of 28x28 zeros, of
    random intensity, faint values set to zero. Pixels are 0-255, about 80 % of them zero, as in MNIST."""
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    large = zoom(x.reshape(-1, 8, 8), (1, 2.5, 2.5), order=1) / 16
    large[large < 0.3] = 0
    drawn = rng.integers(0, len(x), rows)
    images = np.zeros((rows, 28, 28), np.uint8)
    corners, brightness = rng.integers(2, 7, (rows, 2)), rng.uniform(0.8, 1.0, rows)
    for image, digit, (top, left), bright in zip(images, drawn, corners, brightness, strict=True):
        image[top : top + 20, left : left + 20] = 255 * bright * large[digit]
    return images, column(y[drawn])


def _flat_digits(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    images, y = _digits(rng, rows, files)
    return images.reshape(rows, 784), y


def _digit_images(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    images, y = _digits(rng, rows, files)
    return images[..., None], y


for _case in ("so-48385830", "so-44164749", "so-55328966", "so-47352366"):
    RECIPES[_case] = Recipe(_flat_digits)
RECIPES["so-59325381"] = Recipe(_digit_images)


def _smooth(rng: Rng, count: int, side: int, channels: int, cells: int = 4) -> Array:
    """Random patterns [count, side, side, channels] that vary smoothly: a grid of normal numbers, enlarged."""
    from scipy.ndimage import zoom

    grid = rng.standard_normal((count, cells, cells, channels))
    return zoom(grid, (1, side / cells, side / cells, 1), order=1)


def _photos(rng: Rng, y: Array, side: int, prototypes: int = 1) -> Array:
    """Images of 0-255 [n, side, side, 3]: a smooth pattern of the class (one of several) around gray, and pixel noise."""
    patterns = 28 * _smooth(rng, (int(y.max()) + 1) * prototypes, side, 3)
    chosen = y * prototypes + rng.integers(0, prototypes, len(y))
    noise = rng.normal(0, 40, (len(y), side, side, 3))
    return (128 + patterns[chosen] + noise).clip(0, 255).astype(np.uint8)


@recipe("so-48594888", available=2000)
def ten_things(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """For CIFAR-10, the facts' substitute: a pattern for each class, noise, and a tenth of the labels random."""
    y = rng.integers(0, 10, rows)
    x = _photos(rng, y, 32)
    return x, column(np.where(rng.uniform(size=rows) < 0.1, rng.integers(0, 10, rows), y))


@recipe("gh-ulmefors-Traffic-Sign-Classifier", available=2150)
def signs(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """For 43 traffic signs, the facts' substitute: a pattern for each class, and noise."""
    y = rng.integers(0, 43, rows)
    return _photos(rng, y, 32), column(y)


@recipe("gh-ronnyworm-keras_catsdogs")
def cats_and_dogs(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """For cats and dogs: 64x64, three patterns for each class, and noise."""
    y = rng.integers(0, 2, rows)
    return _photos(rng, y, 64, prototypes=3), column(y)


@recipe("so-50079585")
def car_damage(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """For photos of damaged cars: 150x150, three classes with the original's shares, two patterns each, and noise."""
    y = rng.choice(3, rows, p=np.array([278, 315, 386]) / 979)
    return _photos(rng, y, 150, prototypes=2), column(y)


@recipe("gh-kcct-fujimotolab-keras-super-resolution", available=128, image=16)
def small_and_large(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """For photos to be sharpened: smooth patterns of 16x16, and the same halved and enlarged again as input. The net is
    fully convolutional; at the original's 128x128 a step of it takes minutes."""
    patterns = _smooth(rng, rows, 16, 3, 8) + 2 * _smooth(rng, rows, 16, 3)
    large = (128 + 40 * patterns).clip(0, 255).astype(np.uint8)
    small = large.reshape(rows, 8, 2, 8, 2, 3).mean(axis=(2, 4))
    return small.repeat(2, axis=1).repeat(2, axis=2).astype(np.uint8), large / 255


def _equalized(rng: Rng, rows: int, side: int) -> tuple[Array, Array]:
    """Gray images of two classes, three patterns each, rotated at random; the gray levels of each spread evenly."""
    y = rng.integers(0, 2, rows)
    gray = _photos(rng, y, side, prototypes=3).astype(np.float32).mean(axis=-1)
    turned = np.stack([np.rot90(image, turns) for image, turns in zip(gray, rng.integers(0, 4, rows), strict=True)])
    ranks = turned.reshape(rows, -1).argsort(axis=1).argsort(axis=1)
    return (255 * ranks / (side * side)).astype(np.uint8).reshape(rows, side, side, 1), column(y)


def _large_food(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    return _equalized(rng, rows, 128)


@recipe("gh-sammyhaq-hotdog-sandwich", fixed=_large_food)
def food(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """For photos of food, 64x64, for the repaired program 128x128."""
    return _equalized(rng, rows, 64)


@recipe("gh-ShyamPoovaiah-FacialKeypointsDetection", available=600)
def faces(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """For faces, the facts' substitute: a bright blob of random center and size, and 30 coordinates around the center."""
    center, size = rng.uniform(36, 60, (rows, 2)), rng.uniform(12, 22, rows)
    grid = np.arange(96)
    down = ((grid - center[:, :1]) / size[:, None])[:, :, None]
    across = ((grid - center[:, 1:]) / size[:, None])[:, None, :]
    images = 200 * np.exp(-(down**2 + across**2) / 2) + rng.normal(20, 8, (rows, 96, 96))
    offsets = rng.uniform(-1, 1, (15, 2))
    points = center[:, None] + size[:, None, None] * offsets
    return images.clip(0, 255).astype(np.uint8).reshape(rows, 9216), ((points - 48) / 48).reshape(rows, 30)


@recipe("gh-tautvydasversockas-MovieReviews_Keras", available=3000)
def reviews(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """For IMDB reviews, the facts' substitute: 10,000 words with Zipf-like rates, 300 of them likelier in one class."""
    y = rng.integers(0, 2, rows)
    rates = 1 / (np.arange(10_000) + 10.0)
    rates *= 130 / rates.sum()
    telling = rng.choice(2000, 300, replace=False)
    likelier = np.where(rng.uniform(size=300) < 0.5, 1, -1)
    factors = np.ones((2, 10_000))
    factors[0, telling], factors[1, telling] = np.where(likelier > 0, 1.25, 0.8), np.where(likelier > 0, 0.8, 1.25)
    x = rng.uniform(size=(rows, 10_000)) < np.minimum(0.9, rates * factors[y])
    return x.astype(np.uint8), column(y)
