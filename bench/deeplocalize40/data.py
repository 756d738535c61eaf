"""The data of every case: which recipe makes it, and the file that the generated script loads.

A recipe is a function of (a seeded generator, how many rows, the folder of the original files or None) that returns the
raw inputs and raw targets: unscaled, class numbers instead of one-hot rows. Scaling and encoding are done in the script,
so that they have a line there. The same case has the same data on every backend and with every seed of the training.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.deeplocalize40.facts import Case, cases
from bench.deeplocalize40.plan import Plan, plan

Array = NDArray[Any]
Make = Callable[[np.random.Generator, int, Path | None], tuple[Array, Array]]


@dataclass(frozen=True)
class Recipe:
    """How the data of a case is made.

    Attributes:
        make: makes so many rows, or as many as there are.
        fixed: makes those of the repaired program, where they are others.
        available: rows there are, where that is fewer than the original's; None = as many as the original's.
        image: side length of the images, where it is smaller than the original's.
        targets: the expression from which the repaired program takes its targets, where it is not the file's.
    """

    make: Make
    fixed: Make | None = None
    available: int | None = None
    image: int | None = None
    targets: str | None = None


RECIPES: dict[str, Recipe] = {}


def recipe(case: str, **facts: Any) -> Callable[[Make], Make]:
    """Register a function as the recipe of a case; see Recipe for `facts`."""

    def register(make: Make) -> Make:
        RECIPES[case] = Recipe(make, **facts)
        return make

    return register


def recipe_of(case: Case) -> Recipe:
    """The recipe of a case."""
    from bench.deeplocalize40 import formulas, images, tabular  # noqa: F401  (they register their recipes)

    return RECIPES[case["id"]]


def plan_of(case: Case, version: str) -> Plan:
    """The shortened training of a version, with what its data allows."""
    own = recipe_of(case)
    return plan(case, version, own.available, own.image)


def arrays(case: Case, version: str, files: Path | None = None) -> dict[str, Array]:
    """The arrays of a version's data file: x_train and y_train, and x_val and y_val if it validates on rows of its own."""
    own, shortened = recipe_of(case), plan_of(case, version)
    make = own.fixed if version == "fixed" and own.fixed else own.make
    rng = np.random.default_rng(zlib.crc32(case["id"].encode()))
    here = files / case["id"] if files is not None and _has_files(case) else None
    x, y = make(rng, shortened.rows + shortened.validation_rows, here)
    own_validation = case[version]["validation"] or {"kind": "none"}
    if own_validation["kind"] != "holdout":
        return {"x_train": _repeated(x, shortened.copies), "y_train": _repeated(y, shortened.copies)}
    train = len(x) - shortened.validation_rows
    return {
        "x_train": _repeated(x[:train], shortened.copies),
        "y_train": _repeated(y[:train], shortened.copies),
        "x_val": x[train:],
        "y_val": y[train:],
    }


def _repeated(array: Array, copies: int) -> Array:
    return np.tile(array, (copies, *[1] * (array.ndim - 1)))


def _has_files(case: Case) -> bool:
    return any(each["copied_to"] for each in case["data"]["file"] or [])


def missing_files(folder: Path) -> list[Path]:
    """The original files that are not in a folder."""
    wanted = [
        Path(each["copied_to"]) for case in cases().values() for each in case["data"]["file"] or [] if each["copied_to"]
    ]
    return [folder / Path(*path.parts[1:]) for path in wanted if not (folder / Path(*path.parts[1:])).exists()]
