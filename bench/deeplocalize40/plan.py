"""How each program is shortened, so that the whole benchmark fits its time: one rule for all of them.

A program takes as many optimizer steps as the original, but at most SMALL_STEPS of them (if neither version has SMALL
parameters or more) or STEPS, and no more than PRODUCTS multiplications of forward passes are worth; FEWEST in any case.
The batch size is kept. The epochs are kept up to EPOCHS: where they are more, the file holds every row several times and
there are as many times fewer epochs (an epoch of one step costs a framework 30 steps' time). What is still too long gets
fewer rows, though not fewer than ROWS as long as AT_LEAST_EPOCHS are left, and then fewer epochs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from bench.deeplocalize40.facts import Case, parameters_and_products, settings

STEPS, SMALL_STEPS, FEWEST = 2000, 10_000, 20
SMALL = 30
PRODUCTS = 4e10
EPOCHS = 100
ROWS, AT_LEAST_EPOCHS = 1000, 5
VALIDATION_ROWS = 500


class Plan(NamedTuple):
    """A shortened training: so many rows, `copies` times each, for so many epochs."""

    rows: int
    copies: int
    epochs: int
    validation_rows: int


def plan(case: Case, version: str, available: int | None = None, image: int | None = None) -> Plan:
    """The shortened training of a version.

    Args:
        case: the facts.
        version: buggy or fixed.
        available: rows that the data has, where they are fewer than the original's.
        image: side length of images that are smaller than the original's.
    """
    own = settings(case, version)
    rows = min(own.rows, available or own.rows)
    batch = min(own.batch_size, rows)
    copies = math.ceil(own.epochs / EPOCHS)
    epochs = math.ceil(own.epochs / copies)
    per_epoch = math.ceil(rows * copies / batch)
    allowed = allowed_steps(case, version, batch, image)
    if per_epoch * epochs > allowed:
        least = min(math.ceil(min(rows, ROWS) / batch), math.ceil(allowed / min(epochs, AT_LEAST_EPOCHS)))
        per_epoch = min(per_epoch, max(math.ceil(allowed / epochs), least))
        epochs = min(epochs, max(1, round(allowed / per_epoch)))
        wanted = per_epoch * batch
        copies = max(1, round(wanted / rows))
        rows = min(rows, wanted)
    epochs *= case[version].get("more_epochs", 1)
    folds = math.ceil(epochs / EPOCHS)
    copies, epochs = copies * folds, math.ceil(epochs / folds)
    return Plan(rows, copies, epochs, _validation_rows(own.validation, rows))


def allowed_steps(case: Case, version: str, batch: int, image: int | None = None) -> int:
    """How many optimizer steps a program may take at most."""
    shapes = {each: settings(case, each).input_shape for each in ("buggy", "fixed")}
    if image:
        shapes = {each: (image, image, shape[-1]) for each, shape in shapes.items()}
    sizes = {each: parameters_and_products(case[each]["layers"], shape) for each, shape in shapes.items()}
    small = max(parameters for parameters, _ in sizes.values()) < SMALL
    worth = PRODUCTS / (sizes[version][1] * batch)
    return max(FEWEST, round(min(SMALL_STEPS if small else STEPS, worth)))


def _validation_rows(validation: dict | None, rows: int) -> int:
    if validation is None:
        return 0
    if validation["kind"] == "split" or "fraction" in validation:
        fraction = validation["fraction"]
        return max(1, round(rows * fraction / (1 - fraction)))
    return min(VALIDATION_ROWS, validation["n"], rows)
