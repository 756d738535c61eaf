"""Tables: read from the original files where they are, otherwise seeded stand-ins of the same shape, range and labels."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.deeplocalize40.data import Array, recipe
from bench.deeplocalize40.facts import cases
from bench.deeplocalize40.formulas import Rng, column

Rows = list[list[str]]


def read(path: Path) -> Rows:
    """The cells of a comma-separated file, whatever its line ends and byte-order mark."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [row for row in csv.reader(file.read().splitlines()) if row]


def numbers(rows: Sequence[Sequence[str]]) -> Array:
    return np.array([[float(cell) for cell in row] for row in rows])


def coded(values: Sequence[str], known: Sequence[str] = ()) -> Array:
    """Each value as its place in the alphabetical order of all values."""
    places = {value: place for place, value in enumerate(sorted({*values, *known}))}
    return np.array([places[value] for value in values])


@recipe("so-48251943")
def points_17(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Seventeen rows of noise; the stand-in is normal noise, the target half explained by the inputs."""
    if files:
        table = numbers([row[1:4] for row in read(files / "Book1.csv")])
        return table[:, 1:], table[:, :1]
    x = rng.normal(0.5, 0.8, (17, 2)).clip(-1.043, 2.049)
    return x, (0.7 * x[:, :1] + rng.normal(0.4, 0.8, (17, 1))).clip(-1.053, 2.712)


@recipe("so-39525358")
def letter_codes(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Twenty rows of three codes from 65 to 70, four of them distinct, 13 of which train."""
    if files:
        table = numbers(read(files / "sorted_output.csv")[1:])
    else:
        distinct = np.array([[65, 66, 67, 0], [68, 69, 70, 1], [65, 66, 70, 0], [68, 69, 67, 1]], float)
        table = distinct[np.resize([0, 1, 0, 1, 2, 3], 20)]
    table = table[np.random.RandomState(7).permutation(20)]
    return table[:rows, :3], table[:rows, 3:].astype(int)


@recipe("so-47724077")
def census(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Stand-in for UCI Adult with the ranges of its 14 columns, eight of them flags; 24 % earn more, by a noisy linear
    score of age, education, capital gain, hours and two flags."""
    flags = (rng.uniform(size=(rows, 8)) < [0.06, 0.03, 0.14, 0.01, 0.4, 0.01, 0.33, 0.02]).astype(float)
    age, hours = rng.gamma(8, 4.8, rows).clip(17, 90), rng.normal(40, 12, rows).clip(1, 99)
    weight = rng.lognormal(12, 0.5, rows).clip(12_285, 1_484_705)
    education = rng.normal(10, 2.5, rows).clip(1, 16).round()
    gain = np.where(rng.uniform(size=rows) < 0.08, rng.lognormal(8.5, 1, rows).clip(100, 99_999), 0).round()
    loss = np.where(rng.uniform(size=rows) < 0.05, rng.normal(1870, 380, rows).clip(155, 4356), 0).round()
    score = (age - 38) / 15 + (education - 10) / 2 + np.log1p(gain) / 4 + (hours - 40) / 15 + flags[:, 4] - flags[:, 6]
    score += rng.logistic(0, 0.7, rows)
    raw = [age.round(), weight.round(), education, gain, loss, hours.round()]
    x = np.empty((rows, 14))
    x[:, [0, 2, 4, 10, 11, 12]], x[:, [1, 3, 5, 6, 7, 8, 9, 13]] = np.stack(raw, axis=1), flags
    return x, column((score > np.quantile(score, 0.759)).astype(int))


def _iris(rng: Rng, files: Path | None) -> tuple[Array, Array]:
    if files:
        table = read(files / "iris.data")
        x, y = numbers([row[:4] for row in table]), coded([row[4] for row in table])
    else:
        from sklearn.datasets import load_iris

        x, y = load_iris(return_X_y=True)
    order = rng.permutation(len(x))
    return x[order], column(y[order])


@recipe("so-59278771")
def iris(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Iris, in random order; scikit-learn's copy without the file. The repaired program trains on nine tenths."""
    x, y = _iris(rng, files)
    return x[:rows], y[:rows]


@recipe("so-51930566")
def half_of_iris(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Iris, half of which trains; scikit-learn's copy without the file."""
    return _iris(rng, files)


@recipe("so-41372874")
def sine(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """A sine and the same a step earlier; the label is always 1."""
    if files:
        table = numbers(read(files / "SIN.csv")[1:])[:239]
        return table[:, :2], table[:, 2:].astype(int)
    wave = np.sin(2 * np.pi * np.arange(-1, 239) / 100)
    return np.stack([wave[1:], wave[:-1]], axis=1), np.ones((239, 1), int)


@recipe("so-34673164")
def counties(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Nine rows of 16 census columns; in the stand-in log-normal, of the magnitudes of the original's columns."""
    if files:
        table = read(files / "dataset.csv")[1:]
        return numbers([row[:16] for row in table]), column(coded([row[16] for row in table]))
    size = np.array([5e4, 38, 37, 15, 18, 18, 5e3, 2e4, 2.5, 53, 18, 22, 7e4, 0.5, 0.4, 0.5])
    return size * rng.lognormal(0, 0.5, (9, 16)), column([0, 1, 0, 1, 1, 0, 1, 0, 1])


@recipe("so-48221692")
def parabola(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """y = x^2 + 3 for x = -10, -9.9, ..., 10, of which 150 at random train."""
    table = numbers(read(files / "Linear_Data.csv")) if files else np.zeros((201, 2))
    if not files:
        table[:, 0] = np.arange(-100, 101) / 10
        table[:, 1] = table[:, 0] ** 2 + 3
    table = table[np.random.RandomState(7).permutation(201)][:rows]
    return table[:, :1], table[:, 1:]


@recipe("so-44066044")
def packets(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """21 network packets, addresses as integers near 3.2e9. In the stand-in the last 13 come from other addresses and
    ports than the first 8."""
    if files:
        table = numbers(read(files / "NetworkPackets.csv"))
        return table[:, :11], table[:, 11:].astype(int)
    y = np.repeat([0, 1], [8, 13])
    x = np.zeros((21, 11))
    x[:, 0] = 3_232_235_770 + rng.integers(0, 10, 21) + 4000 * y
    x[:, 1], x[:, 2], x[:, 3] = 3_232_235_779, 6, 128
    x[:, 4], x[:, 5] = 524_000 + rng.integers(0, 600, 21), rng.integers(500, 60_000, 21)
    x[:, 6:] = rng.integers(0, 300, (21, 5)) * (rng.uniform(size=(21, 5)) < 0.5)
    return x, column(y)


@recipe("so-45442843")
def threshold(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Is a number from 15,000 to 25,000 below 20,000?"""
    x = numbers(read(files / "dataset.csv")[1:])[:, :1] if files else column(rng.integers(15_000, 25_000, 999))
    return x, (x < 20_000).astype(int)


@recipe("so-58609115")
def leading_digit(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """A number and the code of its first digit and length, 69 of them; in the stand-in as many digits as in the file."""
    if files:
        table = numbers(read(files / "export78.csv")[1:]).astype(int)
    else:
        digits = rng.integers(2, 10, 2209)
        table = (rng.uniform(1, 10, 2209) * 10.0 ** (digits - 1)).astype(int)[:, None]
    codes = [0 if number < 10 else int(str(number)[0]) + 10 ** (len(str(number)) - 2) for number in table[:, 0]]
    order = rng.permutation(len(table))[:rows]
    known = sorted({0} | {lead + 10**size for size in range(8) for lead in range(1, 10)})
    places = {code: place % 69 for place, code in enumerate(sorted(set(codes)) if files else known)}
    return table[order, :1].astype(float), column([places[codes[each]] for each in order])


@recipe("so-31627380")
def passengers(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """The Titanic's passengers with all text label-encoded. In the stand-in class, sex, age and fare say, with noise,
    who survives, and names and tickets are running numbers."""
    if not files:
        klass, sex = rng.choice(3, rows, p=[0.24, 0.21, 0.55]), (rng.uniform(size=rows) < 0.65).astype(int)
        age, fare = rng.normal(30, 13, rows).clip(0.4, 80), rng.lognormal(2.9, 1, rows).clip(0, 512) / (klass + 1)
        score = 2.5 * (1 - sex) - 0.9 * klass - 0.02 * (age - 30) + rng.logistic(0, 1, rows)
        codes = [rng.integers(0, top, rows) for top in (1307, 7, 8, 929, 187, 4)]
        x = np.stack([klass, codes[0], sex, age, *codes[1:3], codes[3], fare, codes[4], codes[5]], axis=1)
        return x.astype(float), column((score > np.quantile(score, 0.616)).astype(int))
    head, *train = read(files / "train.csv")
    tests, *test = read(files / "test.csv")
    columns = []
    for name in ("Pclass", "Name", "Sex", "Age", "SibSp", "Parch", "Ticket", "Fare", "Cabin", "Embarked"):
        own, other = [row[head.index(name)] for row in train], [row[tests.index(name)] for row in test]
        if name in ("Age", "Fare"):
            mean = statistics.mean(float(cell) for cell in own if cell)
            columns.append(np.array([float(cell or mean) for cell in own]))
        else:
            columns.append(coded([cell or "missing" for cell in own], [cell or "missing" for cell in other]))
    survived = [int(row[head.index("Survived")]) for row in train]
    return np.stack(columns, axis=1).astype(np.float32)[:rows], column(survived)[:rows]


@recipe("gh-Jacobvs-DDOS-ML-Detection")
def flows(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """The facts' substitute: five normal classes of very different size, in columns of very different magnitude."""
    y = rng.choice(5, rows, p=[0.90, 0.05, 0.03, 0.01, 0.01])
    means = 2 * rng.standard_normal((5, 27))
    return (means[y] + rng.standard_normal((rows, 27))) * 10 ** rng.uniform(0, 5, 27), column(y)


@recipe("gh-eangelou-kerasma")
def diabetes(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """The Pima table; in the stand-in eight columns with its means and deviations, a noisy linear score of five of them."""
    if files:
        table = numbers(read(files / "pima-indians-diabetes.data"))[:rows]
        return table[:, :8], table[:, 8:].astype(int)
    mean, deviation = [3.8, 121, 69, 21, 80, 32, 0.47, 33], [3.4, 32, 19, 16, 115, 8, 0.33, 12]
    z = rng.standard_normal((rows, 8))
    x = (np.array(mean) + np.array(deviation) * z).clip(0)
    score = z @ [0.4, 1.1, -0.2, 0, 0, 0.7, 0.3, 0.2] + rng.logistic(0, 0.8, rows)
    return x, column((score > np.quantile(score, 0.651)).astype(int))


@recipe("gh-yetanotherdeveloper-kaggle-melbourne_properties")
def houses(rng: Rng, rows: int, files: Path | None) -> tuple[Array, Array]:
    """Ames housing by the facts' ordinal codes; in the stand-in 74 columns of magnitudes from 1 to 10,000 and a price that
    is log-linear in a quarter of them."""
    if not files:
        size = 10 ** rng.uniform(0, 4, 74)
        z = rng.standard_normal((rows, 74))
        price = 170_000 * np.exp(0.09 * z[:, ::4] @ rng.uniform(0.3, 1.6, 19) + 0.1 * rng.standard_normal(rows))
        return (size * (1 + 0.5 * z)).clip(0), column(price.clip(34_900, 755_000))
    facts = cases()["gh-yetanotherdeveloper-kaggle-melbourne_properties"]["data"]
    head, *table = read(files / "train.csv")
    left_out = ("Id", "SalePrice", "YrSold", "MoSold", "SaleType", "BedroomAbvGr", "GarageYrBlt")
    at = {name: place for place, name in enumerate(head)}
    kept = [row for row in table if not (int(row[at["GrLivArea"]]) >= 4000 and int(row[at["SalePrice"]]) < 300_000)]
    columns = []
    for name in [each for each in head if each not in left_out]:
        fill, codes = facts["fill_before_coding"].get(name, "NA"), facts["ordinal_codes"].get(name)
        cells = [fill if row[at[name]] == "NA" else row[at[name]] for row in kept]
        columns.append([codes.get(cell, 0) if codes else 0 if cell == "NA" else float(cell) for cell in cells])
    return np.array(columns, float).T[:rows], column([float(row[at["SalePrice"]]) for row in kept])[:rows]
